import { describe, expect, it } from "vitest";
import { creationOptions, fromBytes, isHeldAlready, requestOptions, toBytes, wasDismissed } from "./webauthn";

describe("bytes as text", () => {
  it("round trips, with the signs of addresses and without padding", () => {
    const bytes = Uint8Array.from([0, 1, 62, 63, 250, 251, 255, 254]);
    expect(fromBytes(bytes)).toBe("AAE-P_r7__4");
    expect([...toBytes("AAE-P_r7__4")]).toEqual([...bytes]);
    expect(fromBytes(new Uint8Array())).toBe("");
  });
});

describe("options", () => {
  const user = { id: "AQID", name: "ada@example.org", displayName: "Ada" };

  it("are read with and without a wrapping, and keep what they do not know", () => {
    const plain = { challenge: "AQID", user, rp: { name: "Socle" }, pubKeyCredParams: [], timeout: 5000, excludeCredentials: [{ id: "BAUG", type: "public-key", transports: ["usb"] }] };
    for (const options of [plain, { publicKey: plain }]) {
      const made = creationOptions(options);
      expect([...new Uint8Array(made.challenge as ArrayBuffer)]).toEqual([1, 2, 3]);
      expect([...new Uint8Array(made.user.id as ArrayBuffer)]).toEqual([1, 2, 3]);
      expect(made.excludeCredentials![0]!.transports).toEqual(["usb"]);
      expect(made.timeout).toBe(5000);
    }
  });

  it("ask for any key where none is named", () => {
    expect(requestOptions({ challenge: "AQID" }).allowCredentials).toEqual([]);
    expect(requestOptions({ challenge: "AQID", allowCredentials: [{ id: "BAUG", type: "public-key" }] }).allowCredentials).toHaveLength(1);
  });
});

describe("what went wrong", () => {
  it("tells a closed window from a key that is there already", () => {
    expect(wasDismissed(new DOMException("", "NotAllowedError"))).toBe(true);
    expect(wasDismissed(new Error("no"))).toBe(false);
    expect(isHeldAlready(new DOMException("", "InvalidStateError"))).toBe(true);
  });
});
