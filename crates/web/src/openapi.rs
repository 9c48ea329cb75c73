//! What every operation answers besides what its handler says.

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ComponentsBuilder, ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder, SecurityRequirement,
        path::{Operation, ParameterIn},
        security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::error::{FieldErrorBody, ProblemBody};

/// Adds the problem answers, the security schemes and the parts that all share. An operation that is open to anybody
/// says `security(())` in its `#[utoipa::path]`.
pub fn finish(mut api: OpenApi) -> OpenApi {
    let components = api.components.take().unwrap_or_default();
    let mut builder: ComponentsBuilder = components.into();
    builder = builder
        .schema(ProblemBody::name(), ProblemBody::schema())
        .schema(FieldErrorBody::name(), FieldErrorBody::schema())
        .security_scheme(
            "bearer",
            SecurityScheme::Http(
                HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build(),
            ),
        )
        .security_scheme(
            "session",
            SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("socle_session"))),
        );
    api.components = Some(builder.build());
    api.security = Some(vec![
        SecurityRequirement::new("bearer", Vec::<String>::new()),
        SecurityRequirement::new("session", Vec::<String>::new()),
    ]);
    for item in api.paths.paths.values_mut() {
        for operation in [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete]
            .into_iter()
            .flatten()
        {
            add_problems(operation);
        }
    }
    api
}

fn add_problems(operation: &mut Operation) {
    let open = operation.security.as_ref().is_some_and(|list| {
        list.is_empty() || list.iter().all(|requirement| *requirement == SecurityRequirement::default())
    });
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let has = |place: ParameterIn| {
        parameters.iter().any(|parameter| matches!(parameter, RefOr::T(found) if found.parameter_in == place))
    };
    let mut statuses = vec![];
    if has(ParameterIn::Query) || operation.request_body.is_some() {
        statuses.push(("400", "The query or the body is malformed."));
    }
    if !open {
        statuses.push(("401", "No credentials, or none that count."));
        statuses.push(("403", "The caller lacks the permission."));
    }
    if has(ParameterIn::Path) {
        statuses.push(("404", "Does not exist, or not for this caller."));
    }
    if operation.request_body.is_some() {
        statuses.push(("413", "The body is too large."));
        statuses.push(("415", "The body has another content type than this route takes."));
        statuses.push(("422", "The body is well formed but wrong; `errors` names the fields."));
    }
    statuses.push(("default", "Any other problem: a conflict, a limit, or a fault of the server."));
    for (status, description) in statuses {
        operation.responses.responses.entry(status.to_owned()).or_insert_with(|| {
            RefOr::T(
                ResponseBuilder::new()
                    .description(description)
                    .content(
                        "application/problem+json",
                        ContentBuilder::new()
                            .schema(Some(Ref::from_schema_name(ProblemBody::name())))
                            .build(),
                    )
                    .build(),
            )
        });
    }
}
