import { Activity, Bot, BrainCircuit, Cctv, ChartColumn, GraduationCap, Headphones, ListChecks, Siren, Users, Waypoints, type LucideIcon } from "lucide-react";
import type { MessageKey } from "@/lib/i18n";

export interface Place {
  to: "/surveillance" | "/surveillance/events" | "/surveillance/statistics" | "/surveillance/models" | "/admin/users" | "/admin/tasks" | "/admin/health";
  label: MessageKey;
  icon: LucideIcon;
  /** Shown only to those who may open it. */
  permission: string;
  /** Where its pages lie when not below `to`; it is then active for `to` itself and for these. */
  below?: string;
}

export const SENTINEL: readonly Place[] = [
  { to: "/surveillance", label: "nav.cameras", icon: Cctv, permission: "surveillance.cameras.read", below: "/surveillance/cameras" },
  { to: "/surveillance/events", label: "nav.events", icon: Siren, permission: "surveillance.events.read" },
  { to: "/surveillance/statistics", label: "nav.statistics", icon: ChartColumn, permission: "surveillance.events.read" },
  { to: "/surveillance/models", label: "nav.models", icon: Waypoints, permission: "surveillance.cameras.read" },
];

/** Named here so that the house is seen whole; each says of itself that it is still to come. */
export const TO_COME = [
  { app: "exams", name: "SmartExam", icon: GraduationCap, about: "coming.exams" },
  { app: "lofi", name: "Lofi Studio", icon: Headphones, about: "coming.lofi" },
  { app: "chat", name: "Chat", icon: Bot, about: "coming.chat" },
  { app: "ml", name: "ML", icon: BrainCircuit, about: "coming.ml" },
] as const;

export const ADMINISTRATION: readonly Place[] = [
  { to: "/admin/users", label: "nav.users", icon: Users, permission: "identity.users.read" },
  { to: "/admin/tasks", label: "nav.tasks", icon: ListChecks, permission: "admin.tasks.read" },
  { to: "/admin/health", label: "nav.health", icon: Activity, permission: "admin.system.read" },
];
