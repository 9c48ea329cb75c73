import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import type { NotificationPreferences, WebhookChange, WebhookInput } from "@/api/types";
import { client, ok } from "@/lib/client";
import type { Locale } from "@/lib/i18n";
import { useWrite } from "@/lib/queries-client";

export const keys = {
  notifications: ["notifications", "list"] as const,
  unread: ["notifications", "unread"] as const,
  preferences: ["notifications", "preferences"] as const,
  topics: ["notifications", "topics"] as const,
  webhooks: ["notifications", "webhooks"] as const,
  deliveries: ["notifications", "deliveries"] as const,
  mail: ["notifications", "mail"] as const,
};

/** Told in the language that is asked for. */
export const notificationsQuery = (locale: Locale, onlyUnread: boolean) =>
  infiniteQueryOptions({
    queryKey: [...keys.notifications, locale, { onlyUnread }],
    queryFn: ({ pageParam, signal }) =>
      ok(client.GET("/api/v1/notifications", { params: { query: { cursor: pageParam, ...(onlyUnread ? { unread: true } : {}) } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
  });

/** Told over realtime; asked again now and then for the time without. */
export const unreadQuery = queryOptions({
  queryKey: keys.unread,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/notifications/unread_count", { signal }))).count,
  refetchInterval: 60_000,
});

/** Forgets: notifications, their count. */
export const useMarkRead = () =>
  useWrite((id: string) => ok(client.POST("/api/v1/notifications/{id}/read", { params: { path: { id } } })), keys.notifications, keys.unread);

/** Forgets: notifications, their count. */
export const useMarkAllRead = () => useWrite(() => ok(client.POST("/api/v1/notifications/read_all")), keys.notifications, keys.unread);

/** Forgets: notifications, their count. */
export const useDeleteNotification = () =>
  useWrite((id: string) => ok(client.DELETE("/api/v1/notifications/{id}", { params: { path: { id } } })), keys.notifications, keys.unread);

/** Titles come in the language that is asked for. */
export const preferencesQuery = (locale: Locale) =>
  queryOptions({
    queryKey: [...keys.preferences, locale],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/notifications/preferences", { signal })),
    // A form stands on it: it is not swapped under the hands of who fills it in.
    refetchOnWindowFocus: false,
  });

/** Forgets: preferences. */
export const useSavePreferences = () =>
  useWrite((body: NotificationPreferences) => ok(client.PUT("/api/v1/notifications/preferences", { body })), keys.preferences);

export const topicsQuery = queryOptions({
  queryKey: keys.topics,
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/topics", { signal }))).items,
  staleTime: 300_000,
});

export const webhooksQuery = queryOptions({
  queryKey: [...keys.webhooks, "list"],
  queryFn: async ({ signal }) => (await ok(client.GET("/api/v1/webhooks", { signal }))).items,
  refetchInterval: 15_000,
});

export const webhookQuery = (id: string) =>
  queryOptions({
    queryKey: [...keys.webhooks, "one", id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/webhooks/{id}", { params: { path: { id } }, signal })),
    refetchInterval: 15_000,
  });

/** Forgets: webhooks. */
export const useCreateWebhook = () => useWrite((body: WebhookInput) => ok(client.POST("/api/v1/webhooks", { body })), keys.webhooks);

/** Forgets: webhooks. */
export const useChangeWebhook = (id: string) =>
  useWrite((body: WebhookChange) => ok(client.PATCH("/api/v1/webhooks/{id}", { params: { path: { id } }, body })), keys.webhooks);

/** Forgets: the lists. The webhook itself is gone, and not asked for again. */
export const useDeleteWebhook = () =>
  useWrite((id: string) => ok(client.DELETE("/api/v1/webhooks/{id}", { params: { path: { id } } })), [...keys.webhooks, "list"]);

/** Messages carry both signatures for a while. Forgets nothing: secrets are not read. */
export const useRotateSecret = (id: string) => useWrite(() => ok(client.POST("/api/v1/webhooks/{id}/rotate_secret", { params: { path: { id } } })));

/** Forgets: deliveries. */
export const useTestWebhook = (id: string) =>
  useWrite(() => ok(client.POST("/api/v1/webhooks/{id}/test", { params: { path: { id } } })), keys.deliveries);

export const deliveriesQuery = (id: string) =>
  infiniteQueryOptions({
    queryKey: [...keys.deliveries, id, "list"],
    queryFn: ({ pageParam, signal }) => ok(client.GET("/api/v1/webhooks/{id}/deliveries", { params: { path: { id }, query: { cursor: pageParam } }, signal })),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: (query) => (query.state.data?.pages.some((page) => page.items.some((one) => one.status === "pending")) ? 2_000 : 5_000),
  });

export const deliveryQuery = (id: string, delivery_id: string) =>
  queryOptions({
    queryKey: [...keys.deliveries, id, "one", delivery_id],
    queryFn: ({ signal }) => ok(client.GET("/api/v1/webhooks/{id}/deliveries/{delivery_id}", { params: { path: { id, delivery_id } }, signal })),
  });

/** Forgets: deliveries. */
export const useRedeliver = (id: string) =>
  useWrite(
    (delivery_id: string) => ok(client.POST("/api/v1/webhooks/{id}/deliveries/{delivery_id}/redeliver", { params: { path: { id, delivery_id } } })),
    keys.deliveries,
  );

export const mailQuery = queryOptions({
  queryKey: keys.mail,
  queryFn: ({ signal }) => ok(client.GET("/api/v1/mail", { signal })),
});

/** Forgets nothing: a mail that was sent is seen in a mailbox. */
export const useTestMail = () => useWrite((to: string) => ok(client.POST("/api/v1/mail/test", { body: to === "" ? {} : { to } })));
