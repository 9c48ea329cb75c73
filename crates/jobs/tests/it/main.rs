//! One suite for both engines: SQLite in a temporary file always, PostgreSQL in a fresh database when
//! `SOCLE_TEST_POSTGRES_URL` names a server on which databases may be created.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod control;
mod crash;
mod faults;
mod life;
mod schedules;
mod stage;

use stage::Stage;

macro_rules! suite {
    ($($module:ident :: $test:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                super::$module::$test(&super::Stage::sqlite().await).await;
            })*
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let Some(stage) = super::Stage::postgres().await else {
                    eprintln!("skipped: SOCLE_TEST_POSTGRES_URL is not set");
                    return;
                };
                super::$module::$test(&stage).await;
                stage.drop_database().await;
            })*
        }
    };
}

suite! {
    life::runs_reports_and_keeps_the_result,
    life::rolled_back_is_never_run,
    life::retries_until_it_succeeds,
    life::fails_when_no_attempt_is_left,
    life::fatal_fails_at_once_with_its_problem,
    life::a_panic_is_a_failed_attempt,
    life::too_long_is_a_failed_attempt,
    life::effects_commit_with_the_completion_or_not_at_all,
    life::unreadable_arguments_fail,
    control::waiting_tasks_cancel_at_once,
    control::running_tasks_hear_of_a_cancellation,
    control::bodies_that_do_not_listen_are_dropped,
    control::unique_keys_admit_one_unfinished_task,
    control::delay_and_priority_order_what_runs,
    control::paused_queues_begin_nothing,
    control::a_workspace_has_its_share_only,
    control::workspaces_take_turns_in_a_full_queue,
    control::workspaces_that_wait_for_later_hold_nobody_up,
    control::large_arguments_are_refused,
    control::queues_tell_what_is_in_them,
    control::delayed_tasks_do_not_wait_for_the_next_look,
    control::other_processes_are_woken,
    life::the_trace_goes_on,
    control::lists_are_filtered_paged_and_scoped,
    control::dead_tasks_are_retried_or_discarded,
    control::many_are_steered_at_a_time,
    control::a_list_counts_no_further_than_it_says,
    control::finished_tasks_expire,
    control::migrations_go_down_and_up_again,
    crash::shutdown_drains_and_gives_the_rest_back,
    crash::a_zombie_commits_nothing,
    crash::a_task_that_kills_its_workers_fails_in_the_end,
    crash::wrong_clocks_kill_nobody_who_beats,
    crash::unknown_holdings_are_given_back,
    faults::a_killed_workers_task_runs_again,
    faults::killed_in_each_state,
    faults::ten_thousand_tasks_over_three_mortal_workers,
    faults::two_scheduling_processes_fire_once,
    schedules::many_schedulers_fire_once,
    schedules::a_clock_set_forward_follows_the_policy,
    schedules::a_clock_set_back_fires_nothing_twice_and_silences_nothing,
    schedules::one_that_cannot_fire_holds_up_no_other,
    schedules::tasks_made_while_the_clock_was_ahead_do_not_wait_for_it,
    schedules::a_fixed_time_fires_once_when_the_clocks_change,
    schedules::schedules_are_steered,
}
