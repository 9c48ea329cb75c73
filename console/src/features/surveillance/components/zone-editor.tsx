import { MousePointerClick, Plus, Slash, Trash2, Undo2 } from "lucide-react";
import { useEffect, useReducer, useState } from "react";
import type { Camera } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem, type ProblemError } from "@/lib/problem";
import { Button, IconButton } from "@/ui/button";
import { cx } from "@/ui/class-names";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { ZoneSettings } from "@/features/surveillance/forms/zone-settings";
import { nextPoint, shapeFault } from "@/features/surveillance/geometry";
import { kindLabel } from "@/features/surveillance/labels";
import { useSaveZones } from "@/features/surveillance/queries";
import { initial, reduce, selectedZone, toInput, type Draft } from "@/features/surveillance/zone-editor";
import { hasPicture } from "./health-badge";
import { LivePicture } from "./live-picture";
import { ZoneCanvas } from "./zone-canvas";

interface Props {
  camera: Camera;
  /** Whether there is something to lose, for the page that asks before it is left. */
  onDirty: (dirty: boolean) => void;
}

/** Zones and lines over the live picture: draw, drag, set, save as one. */
export function ZoneEditor({ camera, onDirty }: Props) {
  const t = useT();
  const save = useSaveZones(camera.id);
  const [state, dispatch] = useReducer(reduce, camera.zones, (zones) => reduce(initial, { type: "load", zones }));
  const [size, setSize] = useState<[number, number]>([camera.health.width ?? 1280, camera.health.height ?? 720]);
  const [asked, setAsked] = useState(false);
  const current = selectedZone(state);
  const { dirty, drawing } = state;

  useEffect(() => onDirty(dirty), [dirty, onDirty]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLInputElement || event.target instanceof HTMLTextAreaElement;
      if (event.key === "Escape" && drawing) dispatch({ type: "cancel" });
      else if (event.key === "Enter" && drawing && !typing) dispatch({ type: "close" });
      else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !typing) {
        event.preventDefault();
        dispatch({ type: "undo" });
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [drawing]);

  const faultOf = (zone: Draft) => {
    const fault = shapeFault(zone.kind, zone.points);
    if (fault) return t(`shape.${fault}`);
    return zone.name.trim() === "" ? t("zone.nameMissing") : null;
  };
  const faulty = state.zones.filter((zone) => faultOf(zone) !== null);
  const problem = save.isError ? toProblem(save.error) : null;
  const begin = (kind: "intrusion" | "line_crossing") =>
    dispatch({ type: "new", kind, name: t(kind === "intrusion" ? "zone.newArea" : "zone.newLine", { n: state.zones.length + 1 }) });

  const onSave = () => {
    setAsked(true);
    if (faulty[0]) {
      dispatch({ type: "close" });
      dispatch({ type: "select", key: faulty[0].key });
      return;
    }
    save.mutate(state.zones.map(toInput), {
      onSuccess: (saved) => {
        setAsked(false);
        dispatch({ type: "load", zones: saved.zones });
        toast(t("zones.saved"));
      },
    });
  };

  const full = current && ((current.kind === "line_crossing" && current.points.length >= 2) || current.points.length >= 64);
  return (
    <div className="grid items-start gap-4 xl:grid-cols-[1fr_21rem]">
      <div className="min-w-0">
        <div role="toolbar" aria-label={t("editor.tools")} className="mb-2.5 flex flex-wrap items-center gap-2">
          <Button icon={Plus} onPress={() => begin("intrusion")} isDisabled={drawing}>
            {t("zone.addArea")}
          </Button>
          <Button icon={Slash} onPress={() => begin("line_crossing")} isDisabled={drawing}>
            {t("zone.addLine")}
          </Button>
          <Button
            variant="ghost"
            icon={MousePointerClick}
            isDisabled={!current || full}
            onPress={() => current && dispatch({ type: "add-point", ...nextPoint(current.points) })}
          >
            {t("editor.addPoint")}
          </Button>
          <Button variant="ghost" icon={Undo2} isDisabled={state.past.length === 0} onPress={() => dispatch({ type: "undo" })}>
            {t("undo")}
          </Button>
          <span className="ml-auto flex gap-2">
            {drawing && current && current.kind !== "line_crossing" && (
              <Button isDisabled={current.points.length < 3} onPress={() => dispatch({ type: "close" })}>
                {t("editor.close")}
              </Button>
            )}
            <Button variant="primary" isDisabled={!dirty || drawing} isPending={save.isPending} onPress={onSave}>
              {t("zones.save")}
            </Button>
          </span>
        </div>
        <div className="relative max-h-[76dvh] w-full overflow-hidden rounded-card bg-[#0b0d0f]" style={{ aspectRatio: `${size[0]} / ${size[1]}` }}>
          <LivePicture
            cameraId={camera.id}
            name={camera.name}
            running={hasPicture(camera.health)}
            message={camera.health.message}
            className="absolute! inset-0"
            onSize={(width, height) => (width !== size[0] || height !== size[1]) && setSize([width, height])}
          />
          <ZoneCanvas state={state} dispatch={dispatch} width={size[0]} height={size[1]} />
        </div>
        <p role="status" className="mt-2 min-h-5 text-sm text-muted">
          {drawing ? t(current?.kind === "line_crossing" ? "editor.helpLine" : "editor.helpArea") : t("editor.help")}
        </p>
        {problem && <SaveProblem problem={problem} zones={state.zones} />}
        {asked && faulty.length > 0 && (
          <Notice tone="bad" className="mt-2">
            <ul>
              {faulty.map((zone) => (
                <li key={zone.key}>
                  <strong>{zone.name || t("zone.unnamed")}</strong>: {faultOf(zone)}
                </li>
              ))}
            </ul>
          </Notice>
        )}
      </div>
      <div className="card min-w-0">
        <h2 className="border-b border-line px-4 py-3 font-semibold">{t("zones.title")}</h2>
        {state.zones.length === 0 ? (
          <p className="p-4 text-muted">{t("zones.empty")}</p>
        ) : (
          <ul className="divide-y divide-line">
            {state.zones.map((zone) => {
              const on = zone.key === state.selected;
              const fault = drawing && on ? null : faultOf(zone);
              return (
                <li key={zone.key}>
                  <div className={cx("flex items-center gap-1 py-1 pr-2 pl-4", on && "bg-accent-soft")}>
                    <button
                      type="button"
                      aria-expanded={on}
                      disabled={drawing}
                      onClick={() => dispatch({ type: "select", key: on ? null : zone.key })}
                      className="min-w-0 flex-1 cursor-pointer py-1 text-left disabled:cursor-default"
                    >
                      <span className="block truncate font-medium">{zone.name || t("zone.unnamed")}</span>
                      <span className={cx("block truncate text-xs", fault ? "text-bad" : "text-muted")}>{fault ?? kindLabel(t, zone.kind)}</span>
                    </button>
                    <IconButton icon={Trash2} label={t("zone.delete", { name: zone.name })} onPress={() => dispatch({ type: "delete", key: zone.key })} />
                  </div>
                  {on && (
                    <div className="border-t border-line p-4">
                      <ZoneSettings zone={zone} onChange={(patch) => dispatch({ type: "change", key: zone.key, patch })} nameError={zone.name.trim() === "" ? t("zone.nameMissing") : undefined} />
                    </div>
                  )}
                </li>
              );
            })}
          </ul>
        )}
      </div>
    </div>
  );
}

/** The server speaks of zones by their place in the list; people know them by name. */
function SaveProblem({ problem, zones }: { problem: ProblemError; zones: readonly Draft[] }) {
  const t = useT();
  const named = problem.fields.map((field) => ({ detail: field.detail, name: zones[Number(field.pointer.split("/")[1])]?.name }));
  if (named.length === 0 || named.some((field) => field.name === undefined)) return <Notice problem={problem} className="mt-2" />;
  return (
    <Notice tone="bad" className="mt-2">
      <ul>
        {named.map((field, index) => (
          <li key={index}>
            <strong>{field.name || t("zone.unnamed")}</strong>: {field.detail}
          </li>
        ))}
      </ul>
      {problem.requestId && (
        <p className="font-mono text-xs">
          {t("error.request")} {problem.requestId}
        </p>
      )}
    </Notice>
  );
}
