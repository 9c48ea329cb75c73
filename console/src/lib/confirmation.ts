import { useSyncExternalStore } from "react";

// Some requests want to know anew who asks (`identity.confirm-first`). The client asks here, a dialog answers, and the
// request goes out again: no page has to think of it.

export const CONFIRM_FIRST = "identity.confirm-first";

interface Question {
  promise: Promise<boolean>;
  answer: (confirmed: boolean) => void;
}

let open: Question | null = null;
const listeners = new Set<() => void>();

function change(to: Question | null) {
  open = to;
  listeners.forEach((listener) => listener());
}

/** Resolves with `true` once the person has shown who they are, with `false` when they would rather not. One dialog for all who ask. */
export function askToConfirm(): Promise<boolean> {
  if (open) return open.promise;
  // No dialog is there to answer: the refusal stands.
  if (listeners.size === 0) return Promise.resolve(false);
  let answer: (confirmed: boolean) => void = () => {};
  const promise = new Promise<boolean>((resolve) => (answer = resolve));
  change({ promise, answer });
  return promise;
}

export function answerConfirmation(confirmed: boolean) {
  const asked = open;
  change(null);
  asked?.answer(confirmed);
}

export function useConfirmationAsked(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => open !== null,
  );
}
