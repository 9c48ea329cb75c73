import { expect, it } from "vitest";
import { fromMlflow } from "./mlflow-links";

it.each([
  ["/experiments", "/ml"],
  ["#/experiments/6", "/ml/experiments/6"],
  ["/experiments/6/runs/ab12", "/ml/runs/ab12"],
  ["/experiments/6/runs/ab12/artifacts", "/ml/runs/ab12"],
  ["/experiments/6/traces?selectedEvaluationId=tr-1", "/ml/traces/tr-1"],
  ["/experiments/6/traces", "/ml/experiments/6/traces"],
  ["/models/m%20x/versions/3", "/ml/models/m%20x?version=3"],
  ["/models", "/ml/models"],
  ["/prompts/p", "/ml/prompts/p"],
  ["/settings", undefined],
  ["", undefined],
  ["//evil.example.org/experiments", undefined],
])("%s leads to %s", (hash, path) => {
  expect(fromMlflow(hash)).toBe(path);
});
