import { expect, it, vi } from "vitest";
import { leaveFor, userCode } from "./user-code";

it.each([
  ["wdjb mjht", "WDJB-MJHT"],
  ["WDJB-MJHT", "WDJB-MJHT"],
  ["wdj", "WDJ"],
  [" w.d/j_b m ", "WDJB-M"],
  ["", ""],
])("reads a code however it is typed: %j", (typed, code) => expect(userCode(typed)).toBe(code));

it.each([
  ["https://app.example/cb?code=1", true],
  ["http://127.0.0.1:8123/cb", true],
  ["com.example.app:/cb?code=1", true],
  ["javascript:alert(1)", false],
  ["JavaScript:alert(1)", false],
  ["data:text/html,x", false],
])("leaves for addresses, not for scripts: %s", (address, goes) => {
  const go = vi.fn();
  expect(leaveFor(address, go)).toBe(goes);
  expect(go).toHaveBeenCalledTimes(goes ? 1 : 0);
});
