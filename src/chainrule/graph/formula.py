"""One formula, four renderings: plain text, HTML (``<i>``, ``<sub>``, ``<sup>`` alone), MathML and LaTeX.

Operations write a formula once, as a small tree over the *roles* of their inputs (``x``, ``weight``,
``out``); rendering it with a node's names gives that node's own formula: ``Z2 = A1 W2 + b2``.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

Style: TypeAlias = Literal["text", "html", "mathml", "latex"]
Names: TypeAlias = "Mapping[str, str | Formula]"
"""What stands for a role: a name, or a formula of its own, as a number is. A word can be replaced likewise."""

MOST_TERMS = 6
"""Terms of a sum that are written out; the others are one term."""

_UPRIGHT = ("I", "T", "Φ", "φ", "σ")
_NAME = re.compile(r"^(d?)(.*?)(\d*)$", re.DOTALL)
_LATEX_WORDS = {"λ": r"\lambda", "α": r"\alpha", "Φ": r"\Phi", "φ": r"\varphi", "σ": r"\sigma", "⊙": r"\odot"}
_LATEX_WORDS |= {
    "·": r"\cdot",
    "−": "-",
    "∥": r"\|",
    "≥": r"\ge",
    "∂": r"\partial",
    "ε": r"\varepsilon",
    "…": r"\ldots",
    "≤": r"\le",
}
_LATEX_SPECIAL = {c: "\\" + c for c in "{}$&#%_"}
_LATEX_SPECIAL |= {"\\": r"\backslash ", "^": r"\wedge ", "~": r"\sim ", " ": r"\ "}


class Formula(ABC):
    """A node of the formula tree; the subclasses below are all there is."""

    @abstractmethod
    def render(self, style: Style, names: Names) -> str:
        """Return the formula in one of the styles, roles replaced by ``names``."""


@dataclass(frozen=True)
class Role(Formula):
    """The tensor in a role; ``gradient=True`` is the lecture's shorthand dQ for dJ/dQ."""

    role: str
    gradient: bool = False

    def render(self, style: Style, names: Names) -> str:
        """Return the tensor's name, after a d where it is a gradient."""
        name = names.get(f"d_{self.role}" if self.gradient and f"d_{self.role}" in names else self.role, self.role)
        if isinstance(name, Formula):
            return name.render(style, {})
        return _identifier("d" + name if self.gradient else name, style, self.gradient)


@dataclass(frozen=True)
class Word(Formula):
    """A letter, number or operator that stands for itself."""

    text: str

    def render(self, style: Style, names: Names) -> str:
        """Return the word, marked as variable, number or operator."""
        replaced = names.get(self.text)
        if isinstance(replaced, Formula):
            return replaced.render(style, {})
        if style == "text":
            return self.text
        if style == "html":
            variable = self.text.isalpha() and (len(self.text) == 1 or set(self.text) <= set("ijk"))
            slanted = variable and self.text not in _UPRIGHT
            return f"<i>{self.text}</i>" if slanted else escape(self.text)
        if " " in self.text:
            return rf"\text{{ {self.text}}}" if style == "latex" else f"<mtext>\u00a0{escape(self.text)}</mtext>"
        if style == "latex":
            if self.text in _LATEX_WORDS:
                return _LATEX_WORDS[self.text]
            return rf"\mathrm{{{self.text}}}" if len(self.text) > 1 and self.text.isalpha() else self.text
        if re.fullmatch(r"[\d.]+", self.text):
            return f"<mn>{self.text}</mn>"
        tag = "mi" if self.text.isalpha() else "mo"
        return f"<{tag}>{escape(self.text)}</{tag}>"


@dataclass(frozen=True)
class Row(Formula):
    """Parts side by side."""

    parts: tuple[Formula, ...]

    def render(self, style: Style, names: Names) -> str:
        """Return the parts side by side, spaced as in print; numbers side by side are a product."""
        parts: list[Formula] = []
        for part in self.parts:
            if parts and _is_number(part, names) and _is_number(parts[-1], names):
                parts.append(Word("·"))
            parts.append(part)
        rendered = [part.render(style, names) for part in parts]
        if style == "mathml":
            return f"<mrow>{''.join(rendered)}</mrow>"
        line = " ".join(piece for piece in rendered if piece)
        return line if style == "latex" else _tidy(line)


@dataclass(frozen=True)
class Script(Formula):
    """A base with a subscript or a superscript."""

    base: Formula
    script: Formula
    above: bool

    def render(self, style: Style, names: Names) -> str:
        """Return the base with its script; in plain text x_k, x², Wᵀ."""
        base, script = self.base.render(style, names), self.script.render(style, names)
        if style == "mathml":
            tag = "msup" if self.above else "msub"
            return f"<{tag}>{base}{script}</{tag}>"
        if style == "latex":
            return f"{{{base}}}{'^' if self.above else '_'}{{{script}}}"
        if style == "html":
            if not self.above and base.endswith("</sub>"):  # Z1 with subscript k: Z with subscript 1,k
                return f"{base.removesuffix('</sub>')},{script}</sub>"
            tag = "sup" if self.above else "sub"
            return f"{base}<{tag}>{script}</{tag}>"
        if self.above:
            return base + {"T": "ᵀ", "2": "²"}.get(script, f"^{script if len(script) == 1 else f'({script})'}")
        return f"{base}_{_bracketed(script)}"


@dataclass(frozen=True)
class Fraction(Formula):
    """A numerator over a denominator."""

    above: Formula
    below: Formula

    def render(self, style: Style, names: Names) -> str:
        """Return the fraction; on one line in plain text and HTML."""
        above, below = self.above.render(style, names), self.below.render(style, names)
        if style == "mathml":
            return f"<mfrac>{above}{below}</mfrac>"
        if style == "latex":
            return rf"\frac{{{above}}}{{{below}}}"
        slash = " / " if " " in above + below else "/"
        return f"{_bracketed(above)}{slash}{_bracketed(below)}"


@dataclass(frozen=True)
class Sum(Formula):
    """A sum of ``body`` over an index."""

    index: Formula
    body: Formula

    def render(self, style: Style, names: Names) -> str:
        """Return the sum sign, its index and what is summed."""
        index, body = self.index.render(style, names), self.body.render(style, names)
        if style == "mathml":
            return f"<mrow><munder><mo>∑</mo>{index}</munder>{body}</mrow>"
        if style == "latex":
            return rf"\sum_{{{index}}} {body}"
        if style == "html":
            return f"Σ<sub>{index}</sub> {body}"
        return f"Σ_{index} {body}"


@dataclass(frozen=True)
class Terms(Formula):
    """A sum over all inputs of a role that repeats: ``term1 + term2 + ...``."""

    role: str

    def render(self, style: Style, names: Names) -> str:
        """Return the terms with + between them, the middle left out where there are many."""
        terms = [name for name in names if re.fullmatch(rf"{self.role}\d+", name)] or [f"{self.role}1", "…"]
        shown = terms if len(terms) <= 6 else [*terms[:3], "…", terms[-1]]
        parts = [Word(term) if term == "…" else Role(term) for term in shown]
        pieces = [piece for part in parts for piece in ("+", part)]
        return row(*pieces[1:]).render(style, names)


@dataclass(frozen=True)
class Present(Formula):
    """A part that is there only where the input in ``role`` is."""

    role: str
    part: Formula

    def render(self, style: Style, names: Names) -> str:
        """Return the part if the role is taken, or if no names are given; otherwise nothing."""
        return self.part.render(style, names) if not names or self.role in names else ""


@dataclass(frozen=True)
class Number(Formula):
    """A number, with six digits; negative ones stand in brackets unless they stand alone."""

    value: float
    alone: bool = False

    def render(self, style: Style, names: Names) -> str:
        """Return the number."""
        text = f"{self.value:.6g}"
        bracketed = self.value < 0 and not self.alone
        if style == "text":
            return f"({text})" if bracketed else text
        mantissa, _, exponent = text.replace("-", "−" if style != "latex" else "-").partition("e")
        exponent = exponent.lstrip("+").replace("−0", "−").replace("-0", "-").lstrip("0")
        if style == "latex":
            text = mantissa + (rf" \cdot 10^{{{exponent}}}" if exponent else "")
            return rf"\left({text}\right)" if bracketed else text
        if style == "html":
            text = mantissa + (f" · 10<sup>{exponent}</sup>" if exponent else "")
            return f"({text})" if bracketed else text
        text = f"<mn>{mantissa}</mn>"
        if exponent:
            text = f"<mrow>{text}<mo>·</mo><msup><mn>10</mn><mn>{exponent}</mn></msup></mrow>"
        return f"<mrow><mo>(</mo>{text}<mo>)</mo></mrow>" if bracketed else text


@dataclass(frozen=True)
class Named(Formula):
    """A formula with names of its own: what a formula is about where several are in one."""

    formula: Formula
    names: Names

    def render(self, style: Style, names: Names) -> str:
        """Return the formula in its own names."""
        return self.formula.render(style, self.names)

    def __hash__(self) -> int:
        return hash(self.formula)


def right_side(formula: Formula) -> Formula:
    """Return what stands after the first equals sign; the whole where there is none."""
    if isinstance(formula, Row) and Word("=") in formula.parts:
        return Row(formula.parts[formula.parts.index(Word("=")) + 1 :])
    return formula


def sum_of(terms: Sequence[Formula], rest: float | None = None, n_rest: int = 0) -> Formula:
    """Return terms with + between them; the rest of the sum as one number, or as dots where it has none."""
    parts: list[Formula | str] = []
    for term in terms:
        parts += ["+", term]
    if n_rest:
        parts += ["+", Word("…") if rest is None else Number(rest), Word(f"({n_rest:,} more)")]
    return row(*parts[1:]) if parts else Number(0.0)


def largest_first(sizes: Sequence[float]) -> tuple[list[int], list[int]]:
    """Return which terms of a sum are written out, largest first, and which are left for the rest."""
    order = sorted(range(len(sizes)), key=lambda i: -abs(sizes[i]))
    return (order, []) if len(order) <= MOST_TERMS + 1 else (order[:MOST_TERMS], order[MOST_TERMS:])


def product_of(factors: Sequence[Formula]) -> Formula:
    """Return factors with dots between them."""
    parts: list[Formula | str] = []
    for factor in factors:
        parts += ["·", factor]
    return row(*parts[1:])


def _is_number(part: Formula, names: Names) -> bool:
    """Return whether a part is a number, or stands for one."""
    if isinstance(part, Role) and part.gradient:
        part = Role(f"d_{part.role}")
    key = part.role if isinstance(part, Role) else part.text if isinstance(part, Word) else ""
    return isinstance(names.get(key, part), Number)


def role(name: str) -> Role:
    """Return the tensor in role ``name``."""
    return Role(name)


def d(name: str) -> Role:
    """Return the gradient dQ of the tensor in role ``name``."""
    return Role(name, gradient=True)


def row(*parts: Formula | str) -> Row:
    """Return parts side by side; plain strings become words, split at spaces."""
    flat: list[Formula] = []
    for part in parts:
        flat.extend([Word(word) for word in part.split()] if isinstance(part, str) else [part])
    return Row(tuple(flat))


def _as_formula(part: Formula | str) -> Formula:
    if isinstance(part, Formula):
        return part
    words = part.split()
    return Word(words[0]) if len(words) == 1 else row(part)


def sub(base: Formula | str, script: Formula | str) -> Script:
    """Return ``base`` with a subscript."""
    return Script(_as_formula(base), _as_formula(script), above=False)


def sup(base: Formula | str, script: Formula | str) -> Script:
    """Return ``base`` with a superscript; ``T`` transposes."""
    return Script(_as_formula(base), _as_formula(script), above=True)


def frac(above: Formula | str, below: Formula | str) -> Fraction:
    """Return a fraction."""
    return Fraction(_as_formula(above), _as_formula(below))


def total(index: str, body: Formula | str) -> Sum:
    """Return the sum of ``body`` over ``index``."""
    return Sum(Word(index), _as_formula(body))


def call(function: str, *arguments: Formula | str) -> Row:
    """Return ``function(arguments)``."""
    inside: list[Formula | str] = []
    for argument in arguments:
        inside += [argument, ","]
    return row(function, "(", *inside[:-1], ")")


def render_mathml(formula: Formula, names: Names) -> str:
    """Return a complete ``<math>`` element."""
    body = formula.render("mathml", names)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{body}</math>'


def _identifier(name: str, style: Style, gradient: bool) -> str:
    """Render a node's name: trailing digits become a subscript, a leading d of a gradient stays upright."""
    if style == "text":
        return name
    if name.endswith("]") and "[" in name:  # an entry
        stem, index = name[: name.rindex("[")], name[name.rindex("[") :]
        base = _identifier(stem, style, gradient)
        if style != "mathml":
            return base + (escape(index) if style == "html" else index)
        return f"<mrow>{base}<mo>[</mo><mtext>{escape(index[1:-1])}</mtext><mo>]</mo></mrow>"
    match = _NAME.match(name[1:] if gradient else name)
    stem, digits = (match[1] + match[2], match[3]) if match else (name, "")
    if not stem:
        stem, digits = digits, ""
    if style == "html":
        word = f"<i>{escape(stem)}</i>" if len(stem) == 1 else escape(stem)
        gap = "\u2009" if len(stem) > 1 else ""  # a thin space: d objective, not dobjective
        return ("d" + gap if gradient else "") + word + (f"<sub>{digits}</sub>" if digits else "")
    if style == "latex":
        escaped = "".join(_LATEX_WORDS.get(c, _LATEX_SPECIAL.get(c, c)) for c in stem)
        word = escaped if len(stem) == 1 else rf"\mathrm{{{escaped}}}"
        subscript = f"_{{{digits}}}" if digits else ""
        gap = r"\," if len(stem) > 1 else ""
        return (rf"\mathrm{{d}}{gap}" if gradient else "") + word + subscript
    letter = f"<mi>{escape(stem)}</mi>"
    letter = f"<msub>{letter}<mn>{digits}</mn></msub>" if digits else letter
    gap = '<mspace width="0.17em"/>' if len(stem) > 1 else ""
    return f'<mrow><mi mathvariant="normal">d</mi>{gap}{letter}</mrow>' if gradient else letter


def _bracketed(text: str) -> str:
    outside = re.sub(r"\([^()]*(\([^()]*\)[^()]*)*\)", "", text)
    return f"({text})" if " " in outside else text


def _tidy(text: str) -> str:
    text = re.sub(r"([(\[]) ", r"\1", text)
    text = re.sub(r" ([)\],])", r"\1", text)
    text = re.sub(r"∥ (\S+) ∥", r"∥\1∥", text)
    text = re.sub(r"(^|= )− ", r"\1−", text)  # a sign, not a difference
    return re.sub(r"\b(I|max|min|tanh|log|σ|Φ|φ) \(", r"\1(", text).strip()
