import { useState } from "react";
import type { Camera, CameraPatch, Model, Source } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { NumberField, SelectField, Switch, TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { toast } from "@/ui/toast";
import { useUpdateCamera } from "@/features/surveillance/queries";
import { ClassesField } from "./classes-field";
import { cleanSource, SourceFields } from "./source-fields";
import { SourceTest } from "./source-test";

/** Credentials come back as `***`: an address left as it is must not be sent, or the stars would become the password. */
export function changedSource(before: Source, now: Source): Source | undefined {
  const [was, is] = [cleanSource(before), cleanSource(now)];
  return JSON.stringify(was) === JSON.stringify(is) ? undefined : is;
}

export function CameraSettings({ camera, models }: { camera: Camera; models: readonly Model[] }) {
  const t = useT();
  const update = useUpdateCamera(camera.id);
  const [name, setName] = useState(camera.name);
  const [source, setSource] = useState<Source>(camera.source);
  const [fps, setFps] = useState(camera.fps);
  const [enabled, setEnabled] = useState(camera.enabled);
  const [record, setRecord] = useState<string>(camera.record);
  const [detection, setDetection] = useState(camera.detection);
  const problem = update.isError ? toProblem(update.error) : null;
  const starred = source.url.includes("***") && changedSource(camera.source, source) !== undefined;
  return (
    <form
      className="space-y-6"
      onSubmit={(event) => {
        event.preventDefault();
        const body = { name: name.trim(), fps, enabled, record, detection, source: changedSource(camera.source, source) } as CameraPatch;
        update.mutate(body, { onSuccess: () => toast(t("saved")) });
      }}
    >
      <div className="grid items-end gap-4 sm:grid-cols-[1fr_auto]">
        <TextField label={t("camera.name")} isRequired value={name} onChange={setName} maxLength={100} error={problem?.field("/name")} />
        <Switch isSelected={enabled} onChange={setEnabled} className="pb-1.5">
          {t("camera.enabled")}
        </Switch>
      </div>
      <div className="space-y-4 border-t border-line pt-5">
        <SourceFields source={source} onChange={setSource} error={starred ? t("source.starred") : problem?.field("/source/url")} />
        {!source.url.includes("***") && <SourceTest source={source} />}
      </div>
      <div className="grid gap-4 border-t border-line pt-5 sm:grid-cols-3">
        <NumberField label={t("camera.fps")} hint={t("camera.fpsHint")} minValue={0.5} maxValue={30} step={0.5} value={fps} onChange={setFps} error={problem?.field("/fps")} />
        <SelectField
          label={t("camera.model")}
          options={[
            { id: "auto", label: t("camera.model.auto") },
            { id: "none", label: t("camera.model.none") },
            ...models.map((model) => ({ id: model.sha256, label: model.name })),
          ]}
          value={detection.model}
          onChange={(model) => setDetection({ ...detection, model })}
        />
        <SelectField
          label={t("camera.record")}
          options={[
            { id: "events", label: t("camera.record.events") },
            { id: "off", label: t("camera.record.off") },
          ]}
          value={record}
          onChange={setRecord}
        />
        <NumberField
          label={t("camera.minScore")}
          hint={t("camera.minScoreHint")}
          minValue={0.05}
          maxValue={0.95}
          step={0.05}
          formatOptions={{ style: "percent" }}
          value={detection.min_score}
          onChange={(min_score) => setDetection({ ...detection, min_score })}
        />
        <NumberField
          label={t("camera.everyN")}
          hint={t("camera.everyNHint")}
          minValue={1}
          maxValue={10}
          value={detection.every_n}
          onChange={(every_n) => setDetection({ ...detection, every_n })}
        />
        <ClassesField classes={detection.classes} onChange={(classes) => setDetection({ ...detection, classes })} />
      </div>
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end border-t border-line pt-4">
        <Button type="submit" variant="primary" isPending={update.isPending} isDisabled={name.trim() === "" || starred}>
          {t("save")}
        </Button>
      </div>
    </form>
  );
}
