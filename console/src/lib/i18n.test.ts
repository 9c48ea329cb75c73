import { expect, it } from "vitest";
import { access } from "./messages/access";
import { account } from "./messages/account";
import { admin } from "./messages/admin";
import { audit } from "./messages/audit";
import { common } from "./messages/common";
import { identity } from "./messages/identity";
import { ml } from "./messages/ml";
import { notifications } from "./messages/notifications";
import { permissions } from "./messages/permissions";
import { problems } from "./messages/problems";
import { strength } from "./messages/strength";
import { surveillance } from "./messages/surveillance";
import { workspace } from "./messages/workspace";
import { messages, translate, type MessageKey } from "./i18n";

const all = Object.entries(messages) as [MessageKey, readonly [string, string]][];
const names = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort();

it.each(all)("%s says the same in both languages", (_, [english, french]) => {
  expect(english.trim()).not.toBe("");
  expect(french.trim()).not.toBe("");
  expect(names(french)).toEqual(names(english));
  expect(french.split(" | ").length).toBe(english.split(" | ").length);
});

it("defines no key twice over its files", () => {
  const keys = [common, identity, account, workspace, access, audit, permissions, problems, strength, surveillance, ml, admin, notifications].flatMap((group) => Object.keys(group));
  expect(keys.length).toBe(new Set(keys).size);
});

it("counts after the rules of the language", () => {
  expect(translate("en", "pager.total", { n: 0 })).toBe("0 entries");
  expect(translate("fr", "pager.total", { n: 0 })).toBe("0 entrée");
  expect(translate("en", "pager.total", { n: 1 })).toBe("1 entry");
  expect(translate("fr", "pager.total", { n: 2 })).toBe("2 entrées");
});

it("leaves a name that is not given standing, so that the fault is seen", () => {
  expect(translate("en", "problem.429", { n: 3 })).toContain("3 seconds");
  expect(translate("en", "camera.added")).toContain("{name}");
});
