import { useRef, type Dispatch, type KeyboardEvent, type PointerEvent } from "react";
import { useT } from "@/lib/i18n";
import { acrossLine, centre, type Point } from "@/features/surveillance/geometry";
import { selectedZone, type Action, type Draft, type EditorState } from "@/features/surveillance/zone-editor";

interface Props {
  state: EditorState;
  dispatch: Dispatch<Action>;
  width: number;
  height: number;
}

const STEP = 0.005;
const LONG_STEP = 0.05;
const SEVERITY_COLOUR = { low: "#7cc4ff", medium: "#ffc24b", high: "#ff6b5e" } as const;

/** The drawing surface over the picture. Everything that the mouse does here, the keyboard does too. */
export function ZoneCanvas({ state, dispatch, width, height }: Props) {
  const t = useT();
  const surface = useRef<SVGSVGElement>(null);
  const dragged = useRef<number | null>(null);
  const current = selectedZone(state);
  const unit = width / 320;

  const pointOf = (event: PointerEvent): Point => {
    // Through the picture's own coordinates, so that bars beside it (a tall screen, a wide picture) count for nothing.
    const matrix = surface.current?.getScreenCTM();
    if (!matrix) return [0, 0];
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return [at.x / width, at.y / height];
  };

  const onSurface = (event: PointerEvent) => {
    if (event.button !== 0) return;
    if (state.drawing) dispatch({ type: "add-point", point: pointOf(event) });
    else if (event.target === surface.current) dispatch({ type: "select", key: null });
  };

  const onPointDown = (event: PointerEvent<SVGElement>, index: number) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    // Back on the first point: the outline is closed.
    if (state.drawing && index === 0 && (current?.points.length ?? 0) >= 3) {
      dispatch({ type: "close" });
      return;
    }
    dispatch({ type: "grab" });
    dragged.current = index;
    event.currentTarget.setPointerCapture(event.pointerId);
  };

  const onPointKey = (event: KeyboardEvent, index: number, point: Point) => {
    const step = event.shiftKey ? LONG_STEP : STEP;
    const moves: Record<string, Point> = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
    const move = moves[event.key];
    if (move) {
      event.preventDefault();
      if (!event.repeat) dispatch({ type: "grab" });
      dispatch({ type: "move-point", index, point: [point[0] + move[0], point[1] + move[1]] });
    } else if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      dispatch({ type: "remove-point", index });
    }
  };

  return (
    <svg
      ref={surface}
      viewBox={`0 0 ${width} ${height}`}
      role="group"
      aria-label={t("editor.surface")}
      data-testid="zone-canvas"
      className={`absolute inset-0 size-full touch-none select-none ${state.drawing ? "cursor-crosshair" : ""}`}
      onPointerDown={onSurface}
      onDoubleClick={() => state.drawing && (current?.points.length ?? 0) >= 3 && dispatch({ type: "close" })}
    >
      {state.zones.map((zone) => (
        <Shape
          key={zone.key}
          zone={zone}
          selected={zone.key === state.selected}
          open={state.drawing && zone.key === state.selected}
          width={width}
          height={height}
          onSelect={() => dispatch({ type: "select", key: zone.key })}
        />
      ))}
      {current && !state.drawing && current.kind !== "line_crossing" && current.points.length >= 3 &&
        current.points.map((point, index) => {
          const next = current.points[(index + 1) % current.points.length]!;
          const middle: Point = [(point[0] + next[0]) / 2, (point[1] + next[1]) / 2];
          return (
            <circle
              key={`middle-${index}`}
              cx={middle[0] * width}
              cy={middle[1] * height}
              r={unit * 2.4}
              className="cursor-copy"
              fill="#fff"
              fillOpacity="0.55"
              stroke="#000"
              strokeOpacity="0.5"
              strokeWidth={unit * 0.5}
              onPointerDown={(event) => {
                event.stopPropagation();
                dispatch({ type: "add-point", point: middle, index: index + 1 });
              }}
            />
          );
        })}
      {current?.points.map((point, index) => (
        <g
          key={index}
          tabIndex={0}
          role="button"
          aria-label={t("editor.point", { n: index + 1, x: Math.round(point[0] * 100), y: Math.round(point[1] * 100) })}
          aria-description={t("editor.pointHelp")}
          className="cursor-grab outline-none [&:focus-visible>circle:last-child]:stroke-[#4db2ff]"
          onPointerDown={(event) => onPointDown(event, index)}
          onPointerMove={(event) => dragged.current === index && dispatch({ type: "move-point", index, point: pointOf(event) })}
          onPointerUp={() => (dragged.current = null)}
          onPointerCancel={() => (dragged.current = null)}
          onKeyDown={(event) => onPointKey(event, index, point)}
        >
          <circle cx={point[0] * width} cy={point[1] * height} r={unit * 9} fill="transparent" />
          <circle cx={point[0] * width} cy={point[1] * height} r={unit * 3.6} fill="#fff" stroke="#12202b" strokeWidth={unit * 1.4} />
        </g>
      ))}
    </svg>
  );
}

interface ShapeProps {
  zone: Draft;
  selected: boolean;
  open: boolean;
  width: number;
  height: number;
  onSelect?: () => void;
}

export function Shape({ zone, selected, open, width, height, onSelect }: ShapeProps) {
  const unit = width / 320;
  const colour = SEVERITY_COLOUR[zone.severity] ?? SEVERITY_COLOUR.medium;
  const points = zone.points.map(([x, y]) => `${x * width},${y * height}`).join(" ");
  const faded = zone.enabled ? 1 : 0.45;
  const common = { stroke: colour, strokeWidth: unit * (selected ? 2 : 1.3), strokeLinejoin: "round" as const, strokeDasharray: zone.enabled ? undefined : `${unit * 4} ${unit * 3}` };
  const middle = zone.points.length > 0 ? centre(zone.points) : null;
  return (
    <g
      opacity={faded}
      className={onSelect && !open ? "cursor-pointer" : ""}
      onPointerDown={(event) => {
        if (open || !onSelect) return;
        event.stopPropagation();
        onSelect();
      }}
      pointerEvents={open ? "none" : undefined}
    >
      {zone.kind === "line_crossing" ? (
        <>
          <polyline points={points} fill="none" stroke="#000" strokeOpacity="0.5" strokeWidth={unit * 3.4} />
          <polyline points={points} fill="none" {...common} />
          {zone.points.length === 2 && <Arrow zone={zone} width={width} height={height} colour={colour} />}
        </>
      ) : open ? (
        <polyline points={points} fill={colour} fillOpacity="0.15" {...common} />
      ) : (
        <polygon points={points} fill={colour} fillOpacity={selected ? 0.24 : 0.13} {...common} />
      )}
      {middle && !open && zone.kind !== "line_crossing" && (
        <text
          x={middle[0] * width}
          y={middle[1] * height}
          textAnchor="middle"
          dominantBaseline="central"
          fontSize={unit * 9}
          fill="#fff"
          stroke="#000"
          strokeOpacity="0.7"
          strokeWidth={unit * 2.4}
          paintOrder="stroke"
          className="pointer-events-none font-medium"
        >
          {zone.name}
        </text>
      )}
    </g>
  );
}

/** Which way counts, drawn across the middle of the line; A and B name its sides. */
function Arrow({ zone, width, height, colour }: { zone: Draft; width: number; height: number; colour: string }) {
  const unit = width / 320;
  const [a, b] = zone.points as [Point, Point];
  const [x, y] = [((a[0] + b[0]) / 2) * width, ((a[1] + b[1]) / 2) * height];
  const [nx, ny] = acrossLine(a, b, width, height);
  const reach = unit * 17;
  const tip = (sign: 1 | -1) => {
    const [ex, ey] = [x + nx * reach * sign, y + ny * reach * sign];
    const [sx, sy] = [-ny * unit * 4, nx * unit * 4];
    const [bx, by] = [ex - nx * unit * 6 * sign, ey - ny * unit * 6 * sign];
    return `${ex},${ey} ${bx + sx},${by + sy} ${bx - sx},${by - sy}`;
  };
  const toB = zone.direction !== "b_to_a";
  const toA = zone.direction !== "a_to_b";
  const inside = (value: number, end: number) => Math.min(end - unit * 6, Math.max(unit * 6, value));
  const label = (text: string, sign: 1 | -1) => (
    <text
      x={inside(x + nx * reach * 1.6 * sign, width)}
      y={inside(y + ny * reach * 1.6 * sign, height)}
      textAnchor="middle"
      dominantBaseline="central"
      fontSize={unit * 9}
      fill="#fff"
      stroke="#000"
      strokeOpacity="0.7"
      strokeWidth={unit * 2.4}
      paintOrder="stroke"
      className="pointer-events-none font-semibold"
    >
      {text}
    </text>
  );
  return (
    <g className="pointer-events-none">
      <line
        x1={x - (toA ? nx * reach * 0.8 : 0)}
        y1={y - (toA ? ny * reach * 0.8 : 0)}
        x2={x + (toB ? nx * reach * 0.8 : 0)}
        y2={y + (toB ? ny * reach * 0.8 : 0)}
        stroke={colour}
        strokeWidth={unit * 1.6}
      />
      {toB && <polygon points={tip(1)} fill={colour} />}
      {toA && <polygon points={tip(-1)} fill={colour} />}
      {label("A", -1)}
      {label("B", 1)}
    </g>
  );
}
