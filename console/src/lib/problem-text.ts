import { hasMessage, type Translate } from "./i18n";
import type { ProblemError } from "./problem";

/** What to tell of a refusal: in the console's words where it knows the code, else in the server's. */
export function problemText(t: Translate, problem: ProblemError): string {
  if (problem.code === "network") return t("error.network");
  const key = `problem.${problem.code}`;
  if (hasMessage(key)) return t(key, { n: problem.retryAfter ?? 60 });
  // Whoever comes too often is told when to come back, whatever it was.
  if (problem.status === 429 && problem.retryAfter !== null) return t("problem.429", { n: problem.retryAfter });
  return problem.message;
}

/** What stands at one field: of a refusal that is about this field alone, the console's words; else the server's. */
export function fieldText(t: Translate, problem: ProblemError | null, pointer: string): string | undefined {
  const detail = problem?.field(pointer);
  if (problem === null || detail === undefined) return undefined;
  return hasMessage(`problem.${problem.code}`) && problem.fields.length === 1 ? problemText(t, problem) : detail;
}
