import { useCallback, useEffect, useRef } from "react";
import type { Me } from "@/api/types";
import { offersKeysInField } from "@/lib/webauthn";
import { usePasskeySignIn } from "./doors";

/** Challenges do not live for ever: the offer is renewed while the page stays open. */
const RENEW_MS = 4 * 60_000;

/**
 * Lets the browser offer passkeys in the list at the field of the address (`autocomplete="… webauthn"`). Returns how to end
 * that: only one question may be open at a time.
 */
export function useKeysInField(enabled: boolean, onIn: (me: Me) => void): () => void {
  const { mutateAsync } = usePasskeySignIn();
  const arrived = useRef(onIn);
  const control = useRef<AbortController | null>(null);
  const stopped = useRef(false);
  useEffect(() => {
    arrived.current = onIn;
  });
  useEffect(() => {
    if (!enabled) return;
    let gone = false;
    const offer = async () => {
      if (gone || stopped.current || !(await offersKeysInField()) || gone) return;
      control.current?.abort();
      const mine = (control.current = new AbortController());
      // Refused, dismissed or renewed: the other ways in are there, and tell their own faults.
      await mutateAsync(mine.signal).then((me) => !mine.signal.aborted && arrived.current(me), () => undefined);
    };
    void offer();
    const timer = setInterval(() => void offer(), RENEW_MS);
    return () => {
      gone = true;
      clearInterval(timer);
      control.current?.abort();
    };
  }, [enabled, mutateAsync]);
  return useCallback(() => {
    stopped.current = true;
    control.current?.abort();
  }, []);
}
