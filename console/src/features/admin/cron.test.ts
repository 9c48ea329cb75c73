import { expect, it } from "vitest";
import { readCron } from "./cron";

it.each([
  ["15 3 * * *", "At 03:15, every day", "À 03:15, tous les jours"],
  ["*/10 * * * *", "Every 10 minutes", "Toutes les 10 minutes"],
  ["0 * * * *", "Every hour", "Toutes les heures"],
  ["30 2 * * 1-5", "At 02:30, Monday through Friday", "À 02:30, de lundi à vendredi"],
  [" 0 8 1 * * ", "At 08:00, on day 1 of the month", "À 08:00, le 1 du mois"],
  ["0 22 * * SUN", "At 22:00, only on Sunday", "À 22:00, uniquement le dimanche"],
])("reads %s", (cron, english, french) => {
  expect(readCron(cron, "en")).toBe(english);
  expect(readCron(cron, "fr")).toBe(french);
});

it.each(["", "every day", "61 * * * *", "* *", "0 25 * * *"])("makes nothing up for %o", (cron) => expect(readCron(cron, "en")).toBeNull());
