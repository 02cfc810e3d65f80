//! Public complaints about tools that edit Apache configurations, and about our own kind of mistakes: a test for each
//! one, named after it. Layouts run before a real Apache: the result is accepted, every name gets the right site and
//! certificate before and after, and a second run changes nothing.
#![cfg(target_os = "linux")]

use crate::layouts::trial;
use crate::support::apache::Httpd;
use crate::support::files::fixture;
use crate::support::network::Network;

/// A test of this name for each layout in `fixtures/layouts/complaints`.
macro_rules! complaints {
    ($($test:ident: $layout:literal,)*) => {
        $(
            #[test]
            fn $test() {
                hold($layout);
            }
        )*
        const LAYOUTS: &[&str] = &[$($layout,)*];
    };
}

fn hold(layout: &str) {
    let Some(httpd) = Httpd::find() else { return };
    let network = Network::enter();
    let name = format!("complaints/{layout}");
    if let Err(error) = trial::carry_out_file(&name, &httpd, &network) {
        panic!("{error}");
    }
}

complaints! {
    // Reading.
    certbot_4799_directives_that_nobody_knows: "certbot-4799",
    certbot_8277_section_argument_up_to_the_last_bracket: "certbot-8277",
    certbot_3325_quote_that_is_never_closed: "certbot-3325",
    augeas_833_included_file_without_its_closing_tag: "augeas-833",
    certbot_3971_refusal_names_file_and_line: "certbot-3971",
    certbot_5166_left_over_copies_are_not_read: "certbot-5166",
    certbot_5211_bytes_that_are_no_utf_8: "certbot-5211",
    certbot_7447_variables_defined_anew: "certbot-7447",
    certbot_4977_tls_lines_in_conditions: "certbot-4977",
    // Which virtual host.
    certbot_10524_several_virtual_hosts_in_one_file: "certbot-10524",
    certbot_10524_first_of_several_virtual_hosts_in_one_file: "certbot-10524-first",
    certbot_7572_last_of_several_virtual_hosts_in_one_file: "certbot-7572",
    certbot_1042_both_protocols_in_one_file: "certbot-1042",
    certbot_10499_no_alias_for_another_site: "certbot-10499",
    certbot_4517_wildcard_alias_before_the_name: "certbot-4517",
    certbot_4117_two_virtual_hosts_of_one_name: "certbot-4117",
    certbot_3791_site_that_is_not_enabled: "certbot-3791",
    certbot_3981_virtual_host_without_a_port: "certbot-3981",
    certbot_6606_default_stays_the_default: "certbot-6606",
    ansible_role_apache_21_default_of_the_distribution: "ansible-role-apache-21",
    win_acme_1595_test_certificate_at_single_addresses: "win-acme-1595",
    certbot_6736_nobody_has_the_name: "certbot-6736",
    certbot_2776_no_match_lists_what_is_there: "certbot-2776",
    // Listeners.
    certbot_3967_listener_in_another_file: "certbot-3967",
    certbot_3022_listener_with_its_protocol: "certbot-3022",
    certbot_1994_listeners_for_each_family: "certbot-1994",
    certbot_5517_tls_on_another_port: "certbot-5517",
    nixpkgs_187645_listener_of_one_address: "nixpkgs-187645",
    // What is copied and added.
    certbot_4797_defined_once: "certbot-4797",
    certbot_3210_conditions_go_with_their_rule: "certbot-3210",
    certbot_3363_redirect_is_not_copied: "certbot-3363",
    certbot_1996_rewrite_to_https_is_not_copied: "certbot-1996",
    acme_sh_3155_challenges_stay_on_http: "acme.sh-3155",
    certbot_5245_redirect_for_another_name: "certbot-5245",
    certbot_1213_old_chain_goes: "certbot-1213",
    puppetlabs_apache_612_session_cache_without_its_module: "puppetlabs-apache-612",
    h5bp_264_stapling_cache_at_the_server_level: "h5bp-264",
    certbot_7612_module_comes_first: "certbot-7612",
    acme_sh_214_no_line_for_the_module: "acme.sh-214",
    ansible_29776_second_run_adds_nothing: "ansible-29776",
}

/// Complaints that are not about a layout, and the tests that keep them from coming true here. Those of the same kind
/// as one above are named with it.
const ELSEWHERE: &[(&str, &str, &str)] = &[
    (
        "whump.com 2005-02-28, unau 2009-03-05: byte order marks and UTF-16",
        "tests/says/enable.rs",
        "utf16_is_refused",
    ),
    (
        "the same: the byte order mark",
        "tests/says/lint.rs",
        "a_byte_order_mark_is_named_as_what_it_is",
    ),
    (
        "certbot 2098, 5319: a port that is taken",
        "tests/apache/running_server.rs",
        "a_port_that_another_program_holds",
    ),
    (
        "neard 90: messages in the language of the system",
        "src/server/error_log.rs",
        "the_formats_of_both_systems",
    ),
    (
        "WSL 1921, WPN-XM 493, win-acme 683: the port is the system's own",
        "src/check/port.rs",
        "who_is_in_the_way",
    ),
    (
        "acme.sh 4095, 3407, mod_md 28: the chain is sent twice",
        "tests/apache/enable.rs",
        "one_file_of_leaf_and_chain",
    ),
    (
        "certbot 4727, 6299, 5187: \"successful\", and the server is dead",
        "tests/apache/commit.rs",
        "a_key_that_does_not_match_is_caught_by_the_rehearsal",
    ),
    (
        "certbot 4403, 166: no way back when the configuration is broken",
        "tests/says/commit.rs",
        "a_restore_needs_no_readable_configuration",
    ),
    (
        "certbot 5552, 4890, 8240, 1245: certificates are deleted",
        "tests/says/commit.rs",
        "keys_are_in_no_backup_and_stay",
    ),
    (
        "certbot 1456, 6239, 4393, 690: undo wipes later edits",
        "tests/says/commit.rs",
        "later_edits_are_shown_and_can_be_kept",
    ),
    (
        "acme.sh 6344, 1073, 1478: the only good backup is overwritten",
        "tests/says/commit.rs",
        "backups_are_listed_and_restored",
    ),
    (
        "certbot 6985: a stopped server is started",
        "tests/apache/running_server.rs",
        "restart_starts_serves_and_renews",
    ),
    (
        "bitnami/vms 698, 1380: half of a change is left",
        "tests/faults/disk.rs",
        "enable_killed_anywhere",
    ),
    (
        "certbot 3253, 9683, 8375, acme.sh 2565: a dry run that acts",
        "tests/says/enable.rs",
        "dry_run_writes_and_creates_nothing",
    ),
    (
        "certbot 4090, 9321, community.general 4592: changed or not",
        "tests/says/enable.rs",
        "exit_code_tells_whether_there_would_be_changes",
    ),
    (
        "certbot 9897, 10366, win-acme 1026: Apache on Windows is not restarted",
        "tests/windows_only/service.rs",
        "the_service_is_found_started_restarted_and_explained",
    ),
    (
        "win-acme 1712, mod_md 24: a certificate in place of the key",
        "tests/tls/faults.rs",
        "what_is_no_readable_key",
    ),
    (
        "wampserver-ssl-auto-config 9 to 11: a warning taken for a failure",
        "tests/says/commit.rs",
        "a_warning_is_no_rejection",
    ),
    (
        "certbot 933: two runs at once",
        "tests/says/commit.rs",
        "of_two_runs_at_once_each_is_done_or_refused",
    ),
    (
        "mod_md 253: a link becomes a file",
        "tests/says/enable.rs",
        "link_and_mode_of_the_main_file_stay",
    ),
];

#[test]
fn every_complaint_has_its_test() {
    let repository = fixture("layouts").join("../..");
    for (complaint, file, test) in ELSEWHERE {
        let text = std::fs::read_to_string(repository.join(file)).unwrap_or_default();
        assert!(
            text.contains(&format!("fn {test}")),
            "{complaint}: {test} in {file}"
        );
    }
    let mut files: Vec<String> = std::fs::read_dir(fixture("layouts").join("complaints"))
        .expect("complaints")
        .map(|entry| entry.expect("a layout").path())
        .map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    files.sort();
    let mut layouts = LAYOUTS.to_vec();
    layouts.sort_unstable();
    assert_eq!(files, layouts);
}
