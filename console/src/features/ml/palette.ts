import { useSyncExternalStore } from "react";

/** Lines side by side: ten hues that differ in lightness too, for the eye that tells red from green badly. */
const LIGHT = ["#1d5a86", "#c2571a", "#1f7a4d", "#9b2c6b", "#7a5d00", "#5b4bb5", "#0f7f8c", "#b3261e", "#556270", "#7fa400"];
const DARK = ["#82bbe2", "#f2a26b", "#6fcf9b", "#e58fc0", "#dcbf57", "#b0a4f5", "#63cbd6", "#f48f86", "#aab6c0", "#bede5c"];

export interface Inks {
  isDark: boolean;
  ink: string;
  muted: string;
  line: string;
  surface: string;
  accent: string;
  lines: readonly string[];
  /** From little to much. */
  scale: readonly string[];
}

const SETS: Record<"light" | "dark", Inks> = {
  light: { isDark: false, ink: "#161c21", muted: "#53606a", line: "#dde2e6", surface: "#ffffff", accent: "#1d5a86", lines: LIGHT, scale: ["#e9f0f5", "#a9cbe0", "#5f9cc4", "#2b6c9c", "#123f63"] },
  dark: { isDark: true, ink: "#e9edf0", muted: "#9ba8b2", line: "#283038", surface: "#151a1e", accent: "#82bbe2", lines: DARK, scale: ["#17242e", "#1f4a68", "#33779f", "#6cb0d6", "#d3ecfb"] },
};

const system = typeof matchMedia === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");

function isDark(): boolean {
  const set = document.documentElement.dataset.theme;
  return set === "dark" || (set !== "light" && (system?.matches ?? false));
}

function watch(listener: () => void): () => void {
  system?.addEventListener("change", listener);
  const observer = new MutationObserver(listener);
  observer.observe(document.documentElement, { attributeFilter: ["data-theme"] });
  return () => {
    system?.removeEventListener("change", listener);
    observer.disconnect();
  };
}

/** Canvases do not know CSS: the colours that they draw with, and again when the scheme changes. */
export function useInks(): Inks {
  return SETS[useSyncExternalStore(watch, () => (isDark() ? "dark" : "light"))];
}
