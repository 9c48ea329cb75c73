import { describe, expect, it } from "vitest";
import { formatter } from "./format";

const now = () => Date.parse("2026-05-04T12:00:00Z");
const [en, fr] = [formatter("en", now), formatter("fr", now)];
const plain = (text: string) => text.replace(/[\u00a0\u202f]/g, " ");

describe("duration", () => {
  it.each([
    [0, "0 ms"], [850, "850 ms"], [12_400, "12.4 s"], [185_000, "3 min 05 s"], [180_000, "3 min"], [7_800_000, "2 h 10 min"], [3_600_000, "1 h"], [50 * 3_600_000, "2 d 2 h"],
    [7 * 86_400_000, "7 d"],
  ])("%d ms", (ms, expected) => expect(en.duration(ms)).toBe(expected));
  it("speaks French", () => expect(fr.duration(50 * 3_600_000)).toBe("2 j 2 h"));
});

it("tells sizes in the units of the language", () => {
  expect(en.bytes(3_660_092)).toBe("3.7 MB");
  expect(fr.bytes(3_660_092)).toBe("3,7 Mo");
  expect(en.bytes(999)).toBe("999 B");
});

it("tells bit rates", () => {
  expect(en.bitrate(1_840_000)).toBe("1.8 Mbit/s");
  expect(en.bitrate(64_400)).toBe("64 kbit/s");
});

it("tells how long ago, and dates once that is long", () => {
  expect(plain(en.ago("2026-05-04T11:55:00Z"))).toMatch(/^5 min/);
  expect(plain(fr.ago("2026-05-04T11:55:00Z"))).toBe("il y a 5 min");
  expect(plain(en.ago("2026-04-01T12:00:00Z"))).toContain("2026");
});

it("tells an instant on the clocks of a zone, and of UTC where the zone is not known", () => {
  expect(plain(en.inZone("2026-01-15T17:30:00Z", "America/New_York"))).toMatch(/^Thu,? 15 Jan,? 12:30 (GMT-5|EST)$/);
  expect(plain(fr.inZone("2026-07-15T06:30:00Z", "Europe/Paris"))).toMatch(/^mer\.? 15 juil\.?,? 08:30 (UTC\+2|CEST)$/);
  expect(plain(en.inZone("2026-01-15T17:30:00Z", "Mars/Olympus"))).toContain("17:30 UTC");
});

it("tells 99.9 % as what it is", () => {
  expect(en.ratio(0.9991)).toBe("99.9%");
  expect(en.ratio(1)).toBe("100%");
});
