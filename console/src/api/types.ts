import type { paths } from "./schema";

/** What a call answers, by path and method: the names that the console uses for the generated types. */
type Json<T> = T extends { content: { "application/json": infer Body } } ? Body : never;
type Answer<T> = T extends { responses: infer All }
  ? { [Status in keyof All]: Status extends 200 | 201 ? Json<All[Status]> : never }[keyof All]
  : never;
type Get<P extends keyof paths> = Answer<paths[P]["get"]>;
type Body<T> = T extends { requestBody?: infer R } ? Json<NonNullable<R>> : never;

export type Me = Get<"/api/v1/auth/me">;
export type Session = Get<"/api/v1/auth/sessions">["items"][number];
export type User = Get<"/api/v1/users/{id}">;
export type AuditEntry = Get<"/api/v1/audit">["items"][number];
export type Security = Get<"/api/v1/auth/security">;
export type Application = Get<"/api/v1/auth/applications">["items"][number];
export type Consent = Get<"/api/v1/oauth/requests/{id}">;
export type OAuthClient = Get<"/api/v1/oauth/clients">["items"][number];
export type NewOAuthClient = Body<paths["/api/v1/oauth/clients"]["post"]>;
export type OAuthClientChange = Body<paths["/api/v1/oauth/clients/{id}"]["patch"]>;
export type Quota = Get<"/api/v1/quotas">["items"][number];
export type Passkey = Get<"/api/v1/auth/passkeys">["items"][number];
export type InvitationOffer = Answer<paths["/api/v1/auth/invitation"]["post"]>;
export type Invitation = Get<"/api/v1/invitations">["items"][number];
export type Role = Get<"/api/v1/roles/{name}">;
export type PermissionInfo = Get<"/api/v1/permissions">["items"][number];
export type WorkspaceDetail = Get<"/api/v1/workspaces/{id}">;
export type InstalledWorkspace = Get<"/api/v1/installation/workspaces">["items"][number];
export type Strength = Answer<paths["/api/v1/auth/password/strength"]["post"]>;
export type UserChange = Body<paths["/api/v1/users/{id}"]["patch"]>;
export type NewUser = Body<paths["/api/v1/users"]["post"]>;
export type ApiKey = Get<"/api/v1/auth/api-keys">["items"][number];
export type ServiceAccount = Get<"/api/v1/service-accounts">["items"][number];
export type ServiceAccountDetail = Get<"/api/v1/service-accounts/{id}">;
export type SigningKey = Get<"/api/v1/signing-keys">["items"][number];
export type Task = Get<"/api/v1/tasks/{id}">;
export type System = Get<"/api/v1/system">;
export type Queue = Get<"/api/v1/queues">["items"][number];
export type Schedule = Get<"/api/v1/schedules/{name}">;
export type ScheduleChange = Body<paths["/api/v1/schedules/{name}"]["patch"]>;
export type ScheduleRun = Get<"/api/v1/schedules/{name}/runs">["items"][number];
export type CacheState = Get<"/api/v1/cache">;
export type Limits = Get<"/api/v1/limits">;
export type Setting = Get<"/api/v1/settings">["items"][number];
export type SettingChange = Get<"/api/v1/settings/changes">["items"][number];
export type HeardEvent = Get<"/api/v1/realtime/events">["items"][number];

export type Notification = Get<"/api/v1/notifications">["items"][number];
export type NotificationPreferences = Get<"/api/v1/notifications/preferences">;
export type Webhook = Get<"/api/v1/webhooks/{id}">;
export type WebhookInput = Body<paths["/api/v1/webhooks"]["post"]>;
export type WebhookChange = Body<paths["/api/v1/webhooks/{id}"]["patch"]>;
export type NewWebhook = Answer<paths["/api/v1/webhooks"]["post"]>;
export type Delivery = Get<"/api/v1/webhooks/{id}/deliveries">["items"][number];

export type Camera = Get<"/api/v1/surveillance/cameras/{id}">;
export type CameraInput = Body<paths["/api/v1/surveillance/cameras"]["post"]>;
export type CameraPatch = Body<paths["/api/v1/surveillance/cameras/{id}"]["patch"]>;
export type Source = CameraInput["source"];
export type TestResult = Answer<paths["/api/v1/surveillance/cameras/test"]["post"]>;
export type Health = Camera["health"];
export type Zone = Camera["zones"][number];
export type ZoneInput = Body<paths["/api/v1/surveillance/cameras/{id}/zones"]["put"]>[number];
export type Event = Get<"/api/v1/surveillance/events/{id}">;
export type Stats = Get<"/api/v1/surveillance/stats">;
export type Model = Get<"/api/v1/surveillance/models">["items"][number];
