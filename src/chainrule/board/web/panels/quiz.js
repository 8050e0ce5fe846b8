// A number is hidden, the student types it.

import { html, nothing } from "lit-html";
import { keyed } from "lit-html/directives/keyed.js";
import { unsafeHTML } from "lit-html/directives/unsafe-html.js";
import { number } from "../numbers.js";

/** @typedef {import("../board.js").Board} Board */

/** @param {Board} board */
export function quizPanel(board) {
  if (board.view.panel !== "quiz" || board.readOnly) return nothing;
  const { quiz } = board;
  return html`
    <section class="panel quiz" aria-labelledby="quiz-title">
      <div class="bar">
        <h2 id="quiz-title">Quiz</h2>
        <button type="button" @click=${() => ask(board)}>${quiz ? "Another question" : "Ask me"}</button>
        ${quiz?.asked ? html`<p class="aside">${quiz.right} of ${quiz.asked} right</p>` : nothing}
        <button type="button" class="close" @click=${() => board.close()}>Close</button>
      </div>
      ${quiz?.question ? keyed(quiz.question.id, question(board, quiz)) : html`<p class="hint">A number of this network is hidden; work it out from the ones that are shown.</p>`}
    </section>
  `;
}

/** @param {Board} board */
async function ask(board) {
  const question = await board.command("quiz", { focus: board.view.focus });
  if (!question) return;
  board.quiz = { right: board.quiz?.right ?? 0, asked: board.quiz?.asked ?? 0, question, answer: null };
  board.focusOn(".quiz input");
}

/** @param {Board} board @param {any} quiz */
function question(board, quiz) {
  const { question: asked, answer } = quiz;
  return html`
    <p>${asked.text}</p>
    <div class="math" tabindex="0" role="group" aria-label=${asked.formula}>${unsafeHTML(asked.mathml)}</div>
    <table><tbody>${asked.given.map((/** @type {any} */ given) => html`<tr><th scope="row">${given.entry}</th><td class="right">${number(given.value, `given ${given.entry}`)}</td></tr>`)}</tbody></table>
    <form class="edit" @submit=${(/** @type {any} */ event) => { event.preventDefault(); if (!answer?.right) answerIt(board, event.target.elements.answer.value); }}>
      <label>${asked.entry} = <input name="answer" inputmode="decimal" autocomplete="off" ?readonly=${answer?.right} /></label>
      <button type="submit" aria-disabled=${answer?.right ?? false}>Answer</button>
    </form>
    <p role="status" class=${answer ? (answer.right ? "good" : "bad") : ""}>${answer ? (answer.right ? html`Right: ${number(answer.value, `answer ${asked.entry}`, 6)}.` : "Not yet. Within one per cent is right.") : nothing}</p>
  `;
}

/** @param {Board} board @param {string} text */
async function answerIt(board, text) {
  const value = Number(text.replace("−", "-").replace(",", "."));
  if (text.trim() === "" || Number.isNaN(value)) {
    board.say(`${text} is not a number.`);
    return;
  }
  const answer = await board.command("answer", { question: board.quiz.question.id, value });
  if (!answer) return;
  const first = board.quiz.answer === null;
  board.quiz = { ...board.quiz, answer, asked: board.quiz.asked + (first ? 1 : 0), right: board.quiz.right + (first && answer.right ? 1 : 0) };
  board.draw();
}
