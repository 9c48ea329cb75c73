import { useEffect, useState } from "react";
import { TextField } from "./field";

interface Props {
  label: string;
  placeholder?: string;
  value: string | undefined;
  /** Told when typing settles; `undefined` for nothing. */
  onChange: (words: string | undefined) => void;
  className?: string;
}

/** Words to look for. What was typed stands at once; it is asked when typing settles. */
export function SearchField({ label, placeholder, value, onChange, className }: Props) {
  const [words, setWords] = useState(value ?? "");
  useEffect(() => {
    if (words === (value ?? "")) return;
    const timer = setTimeout(() => onChange(words || undefined), 300);
    return () => clearTimeout(timer);
  }, [words, value, onChange]);
  return <TextField className={className} label={label} placeholder={placeholder} type="search" value={words} onChange={setWords} />;
}
