import type { Zone, ZoneInput } from "@/api/types";
import { clampPoint, type Point } from "./geometry";

export type ZoneKind = "intrusion" | "loitering" | "line_crossing";
export type Severity = "low" | "medium" | "high";
export type Direction = "both" | "a_to_b" | "b_to_a";
export interface Hours {
  days: number[];
  from: string;
  to: string;
}

/** A zone while it is edited. `key` is ours and lives as long as the page; `id` is the server's, absent until saved. */
export interface Draft {
  key: string;
  id?: string;
  name: string;
  kind: ZoneKind;
  points: Point[];
  classes: string[];
  dwell_ms: number;
  loiter_ms: number;
  direction: Direction;
  cooldown_ms: number;
  min_score: number;
  severity: Severity;
  enabled: boolean;
  hours: Hours[];
}

export interface EditorState {
  zones: Draft[];
  selected: string | null;
  /** The selected zone takes a new point at every click until it is closed. */
  drawing: boolean;
  /** Zones as they were before each change, oldest first; bounded. */
  past: Draft[][];
  dirty: boolean;
  serial: number;
}

export type Action =
  | { type: "load"; zones: readonly Zone[] }
  | { type: "new"; kind: ZoneKind; name: string }
  | { type: "add-point"; point: Point; index?: number }
  | { type: "grab" }
  | { type: "move-point"; index: number; point: Point }
  | { type: "remove-point"; index: number }
  | { type: "close" }
  | { type: "cancel" }
  | { type: "select"; key: string | null }
  | { type: "change"; key: string; patch: Partial<Draft> }
  | { type: "delete"; key: string }
  | { type: "undo" };

const UNDO_MAX = 100;

export const initial: EditorState = { zones: [], selected: null, drawing: false, past: [], dirty: false, serial: 0 };

function fromServer(zone: Zone): Draft {
  return { ...(zone as unknown as Draft), key: zone.id };
}

/** What is sent: the draft without our key. */
export function toInput(draft: Draft): ZoneInput {
  const input: Partial<Draft> = { ...draft };
  delete input.key;
  return input as ZoneInput;
}

export function selectedZone(state: EditorState): Draft | undefined {
  return state.zones.find((zone) => zone.key === state.selected);
}

function remembered(state: EditorState): EditorState {
  return { ...state, past: [...state.past.slice(1 - UNDO_MAX), state.zones], dirty: true };
}

function withPoints(state: EditorState, change: (points: Point[]) => Point[]): EditorState {
  return {
    ...state,
    zones: state.zones.map((zone) => (zone.key === state.selected ? { ...zone, points: change(zone.points) } : zone)),
  };
}

/** How many points finish a shape by themselves: a line is done with its second. */
function isFull(zone: Draft): boolean {
  return zone.kind === "line_crossing" && zone.points.length >= 2;
}

export function reduce(state: EditorState, action: Action): EditorState {
  switch (action.type) {
    case "load":
      return { ...initial, zones: action.zones.map(fromServer), selected: action.zones[0]?.id ?? null, serial: state.serial };
    case "new": {
      const key = `new-${state.serial}`;
      const draft: Draft = {
        key,
        name: action.name,
        kind: action.kind,
        points: [],
        classes: ["person"],
        dwell_ms: action.kind === "intrusion" ? 500 : 0,
        loiter_ms: 30_000,
        direction: "both",
        cooldown_ms: 10_000,
        min_score: 0.3,
        severity: "medium",
        enabled: true,
        hours: [],
      };
      return { ...remembered(state), zones: [...state.zones, draft], selected: key, drawing: true, serial: state.serial + 1 };
    }
    case "add-point": {
      const zone = selectedZone(state);
      if (!zone || isFull(zone)) return state;
      const next = withPoints(remembered(state), (points) => points.toSpliced(action.index ?? points.length, 0, clampPoint(action.point)));
      return { ...next, drawing: state.drawing && !isFull(selectedZone(next)!) };
    }
    case "grab":
      return remembered(state);
    case "move-point":
      return withPoints({ ...state, dirty: true }, (points) => points.with(action.index, clampPoint(action.point)));
    case "remove-point": {
      const zone = selectedZone(state);
      if (!zone?.points[action.index]) return state;
      return withPoints(remembered(state), (points) => points.toSpliced(action.index, 1));
    }
    case "close":
      return { ...state, drawing: false };
    case "cancel": {
      const zone = selectedZone(state);
      if (!state.drawing || !zone) return state;
      // A shape that was never finished leaves; one that has points enough is kept as it stands.
      return zone.points.length < (zone.kind === "line_crossing" ? 2 : 3) && zone.id === undefined
        ? { ...remembered(state), zones: state.zones.filter((kept) => kept !== zone), selected: null, drawing: false }
        : { ...state, drawing: false };
    }
    case "select":
      return state.drawing ? state : { ...state, selected: action.key };
    case "change":
      return { ...remembered(state), zones: state.zones.map((zone) => (zone.key === action.key ? { ...zone, ...action.patch } : zone)) };
    case "delete": {
      const zones = state.zones.filter((zone) => zone.key !== action.key);
      return { ...remembered(state), zones, selected: zones[0]?.key ?? null, drawing: false };
    }
    case "undo": {
      const zones = state.past.at(-1);
      if (!zones) return state;
      const still = zones.some((zone) => zone.key === state.selected);
      return {
        ...state,
        zones,
        past: state.past.slice(0, -1),
        selected: still ? state.selected : (zones.at(-1)?.key ?? null),
        drawing: state.drawing && still,
        dirty: true,
      };
    }
  }
}
