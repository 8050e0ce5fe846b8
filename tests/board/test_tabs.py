"""What several pages see of one run, and what a page does when the run comes to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chainrule.board.scene import Network, spiral


def exact(page: Any, of: str) -> str:
    return str(page.locator(f"[data-of='{of}']").first.get_attribute("data-exact"))


def test_two_tabs_are_of_one_run_and_look_at_different_things(
    serve: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    server = serve(spiral())
    one, other = open_page(server.address), open_page(server.address)
    other.page.locator("[data-row]").first.click()
    other.page.fill("#find", "Z1[3]")
    other.page.press("#find", "Enter")
    one.page.get_by_role("button", name="100 steps").click()
    one.settle()
    other.page.locator("[data-of=step][data-exact='100']").wait_for()
    other.settle()
    assert exact(one.page, "accuracy") == exact(other.page, "accuracy")
    assert "driven by the batch" in one.page.locator(".graph .aside").text_content()
    row = server.session.ask("samples")["rows"]
    assert "alone" in other.page.locator(".graph .aside").text_content(), row
    assert other.page.locator("[data-of='value Z1[3]']").count() == 1
    assert one.page.locator("[data-of='value Z1[3]']").count() == 0
    # Another optimizer, and another network, chosen in one tab are those of the other.
    for name, value in (("learning_rate", "0.25"), ("hidden_layer_sizes", "6, 5")):
        other.page.get_by_role("button", name="Network").click()
        other.page.fill(f".network [name={name}]", value)
        other.page.get_by_role("button", name="Change", exact=True).click()
        other.page.get_by_role("button", name="Network").click()
        other.settle()
        one.settle()
        one.page.get_by_role("button", name="Network").click()
        assert one.page.locator(f".network [name={name}]").input_value() == value
        one.page.get_by_role("button", name="Network").click()
    for watched in (one, other):
        watched.settle()
        assert watched.page.locator("[data-node=W3]").count() == 1
        assert exact(watched.page, "step") == "0"
        assert watched.page.locator("[data-row]").count() == 30


def test_a_loss_that_is_no_number_stops_the_run_and_is_shown_where_it_began(
    serve: Callable[..., Any], open_page: Callable[..., Any]
) -> None:
    server = serve(spiral(Network(learning_rate=1e4)))
    watched = open_page(server.address)
    page = watched.page
    page.keyboard.press(" ")
    page.get_by_text("The run has stopped before it").wait_for(timeout=30_000)
    watched.settle()
    state, found = server.session.ask("state"), server.session.ask("trouble")
    assert (state["playing"], state["stopped_at"]) == (False, state["step"])
    assert exact(page, "step") == str(state["step"])
    # The first node that is not finite is selected, and said with what went in.
    chosen = page.locator(".card[aria-pressed=true]")
    assert chosen.get_attribute("data-node") == found["entry"].split("[")[0]
    assert found["text"] in page.locator(".notices").text_content()
    assert "not finite" in chosen.text_content() or chosen.locator(".bad").count() == 1
    page.keyboard.press(",")
    watched.settle()
    assert exact(page, "step") == str(state["step"] - 1)
