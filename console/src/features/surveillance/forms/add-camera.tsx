import { useState } from "react";
import type { Camera, Source } from "@/api/types";
import { useT } from "@/lib/i18n";
import { toProblem } from "@/lib/problem";
import { Button } from "@/ui/button";
import { TextField } from "@/ui/field";
import { Notice } from "@/ui/notice";
import { useCreateCamera } from "@/features/surveillance/queries";
import { cleanSource, SourceFields } from "./source-fields";
import { SourceTest } from "./source-test";

export function AddCamera({ onAdded, onCancel }: { onAdded: (camera: Camera) => void; onCancel: () => void }) {
  const t = useT();
  const create = useCreateCamera();
  const [name, setName] = useState("");
  const [source, setSource] = useState<Source>({ kind: "rtsp", url: "" });
  const problem = create.isError ? toProblem(create.error) : null;
  return (
    <form
      className="space-y-5"
      onSubmit={(event) => {
        event.preventDefault();
        create.mutate({ name: name.trim(), source: cleanSource(source) }, { onSuccess: (camera) => onAdded(camera) });
      }}
    >
      <TextField label={t("camera.name")} hint={t("camera.nameHint")} isRequired autoFocus value={name} onChange={setName} maxLength={100} error={problem?.field("/name")} />
      <SourceFields source={source} onChange={setSource} error={problem?.field("/source/url")} />
      <SourceTest source={source} />
      {problem && <Notice problem={problem} />}
      <div className="flex justify-end gap-2 border-t border-line pt-4">
        <Button onPress={onCancel}>{t("cancel")}</Button>
        <Button type="submit" variant="primary" isPending={create.isPending} isDisabled={name.trim() === "" || source.url.trim() === ""}>
          {t("camera.add")}
        </Button>
      </div>
    </form>
  );
}
