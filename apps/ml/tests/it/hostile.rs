//! Models that were written to do harm.

use learn::proto::{NodeProto, TensorProto};
use serde_json::json;
use testkit::{App, Modules, on_each_engine};

use crate::{
    modules,
    serving::{COLUMNS, ask, file, files, linear, node, register, said, worker},
};

/// From `X` to `y` by many operators, each on what the last one gave.
fn chain(count: usize, link: impl Fn(&str, &str) -> NodeProto) -> Vec<NodeProto> {
    let name = |at: usize| match at {
        0 => "X".to_owned(),
        at if at == count => "y".to_owned(),
        at => format!("t{at}"),
    };
    (0..count).map(|at| link(&name(at), &name(at + 1))).collect()
}

fn shape(dims: &[i64]) -> TensorProto {
    TensorProto {
        name: "S".to_owned(),
        dims: vec![dims.len() as i64],
        data_type: 7,
        int64_data: dims.to_vec(),
        ..TensorProto::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_does_wrong_harms_nobody_else() {
    let modules = Modules {
        build: |platform| {
            let config = ml::Config { serving_at_once: 1, serving_timeout_s: 6, ..ml::Config::default() };
            vec![ml::build_with(platform, config, worker()).expect("sound")]
        },
        ..modules()
    };
    on_each_engine(modules, async |app: &App| {
        let admin = &app.admin().await;
        register(admin, "m", &files(Some(COLUMNS), linear(1.0, false))).await;
        let rows = || json!({ "inputs": [[1.0]] });

        // A chain of operators that no thread of the server has the stack for.
        let deep = chain(20_000, |from, to| node("Relu", "", &[from], to, vec![]));
        register(admin, "deep", &files(None, file(deep, vec![], &["X"], 1))).await;
        let answer = ask(admin, "deep", rows()).await.expect(200);
        assert_eq!(answer.json()["predictions"]["y"], json!([[1.0]]));

        // More memory than there is: worked out while it is read, and for a call.
        let constant = vec![
            node("ConstantOfShape", "", &["S"], "c", vec![]),
            node("ReduceMax", "", &["c"], "d", vec![]),
            node("Add", "", &["X", "d"], "y", vec![]),
        ];
        register(admin, "large", &files(None, file(constant, vec![shape(&[1 << 38])], &["X"], 1))).await;
        let expand =
            vec![node("Expand", "", &["X", "S"], "e", vec![]), node("ReduceMax", "", &["e"], "y", vec![])];
        register(admin, "swells", &files(None, file(expand, vec![shape(&[1 << 38, 1])], &["X"], 1))).await;
        for (name, statuses) in [("large", [409, 422]), ("swells", [422, 422])] {
            for _ in 0..2 {
                let answer = ask(admin, name, rows()).await;
                assert!(statuses.contains(&answer.status), "{name}: {}", answer.text());
            }
            assert_eq!(said(admin, "m").await.0, 9.0);
        }

        // More time than anybody has; the only place is free again after that.
        // The engine spreads the first over itself, and squares it again and again.
        let squares = chain(2_000, |from, to| match from {
            "X" => node("Expand", "", &["X", "S"], to, vec![]),
            from => node("MatMul", "", &[from, from], to, vec![]),
        });
        let long = file(squares, vec![shape(&[3_000, 3_000])], &["X"], 1);
        register(admin, "long", &files(None, long)).await;
        let answer = ask(admin, "long", rows()).await.expect(504);
        assert_eq!(answer.error(), "ml.timeout");
        assert_eq!(said(admin, "m").await.0, 9.0);
    })
    .await;
}
