import { useState } from "react";
import { useT } from "@/lib/i18n";
import { TextField } from "@/ui/field";

/** Object classes as words with commas between, in the model's own names. */
export function ClassesField({ classes, onChange }: { classes: readonly string[]; onChange: (classes: string[]) => void }) {
  const t = useT();
  const [text, setText] = useState(classes.join(", "));
  return (
    <TextField
      label={t("classes")}
      hint={t("classes.hint")}
      value={text}
      onChange={(next) => {
        setText(next);
        onChange([...new Set(next.split(",").map((word) => word.trim().toLowerCase()).filter(Boolean))]);
      }}
    />
  );
}
