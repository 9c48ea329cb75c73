import { expect, it } from "vitest";
import { translate, type Translate } from "@/lib/i18n";
import { adviceText, judge, lengthScore, refusalText } from "./password";

const french: Translate = (key, params) => translate("fr", key, params);
const told = (extra: object) => ({ score: 1, guesses_log10: 3, warning: null, suggestions: [], refused: null, ...extra });

it("measures by length until the server has looked", () => {
  expect([lengthScore(""), lengthScore("short"), lengthScore("8 or nine"), lengthScore("twelve signs"), lengthScore("sixteen signs or more")]).toEqual([0, 1, 2, 3, 4]);
  expect(judge("", undefined)).toEqual({ bars: 0, word: "none" });
  expect(judge("short", undefined)).toEqual({ bars: 1, word: "short" });
  expect(judge("twelve signs", undefined)).toEqual({ bars: 3, word: "good" });
});

it("never shows as good what would be refused", () => {
  expect(judge("password1234", { score: 4, refused: "is among the commonest" })).toEqual({ bars: 1, word: "refused" });
  expect(judge("something long", { score: 0, refused: null })).toEqual({ bars: 1, word: "weak" });
  expect(judge("something long", { score: 4, refused: null })).toEqual({ bars: 4, word: "strong" });
});

it("says in the reader's language what it knows, and the rest as it came", () => {
  const weak = told({ warning: "A word by itself is easy to guess.", suggestions: ["Add another word or two. Uncommon words are better.", "Avoid sequences."] });
  expect(adviceText(french, weak)).toBe("Un mot seul se devine facilement. Ajoutez un mot ou deux, rares de préférence.");
  expect(adviceText(french, told({ warning: "Something new." }))).toBe("Something new.");
  expect(adviceText(french, told({ score: 3, warning: "Avoid sequences." }))).toBe("");
  expect(refusalText(french, told({}))).toBe("");
});
