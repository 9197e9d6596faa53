//! Processes as the kernel tells of them, and as others would have them seen.

use super::*;

#[test]
fn a_process_whose_name_looks_like_fields_is_read_right() {
    let line = "12 (a) S 9) S 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
    let (parent, group, session) = (7, 12, 12);
    let stat = Stat { parent, group, session, started: 4711, strings: None };
    assert_eq!(stat_of(line), Some(stat));
    let dead = "12 (nginx) Z 7 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 4711 9 9";
    for line in [dead, "", "12 (a", "12 (a) S 1", "12 (a) S x y z"] {
        assert_eq!(stat_of(line), None, "{line}");
    }
}

fn nginx(pid: i32, parent: i32, uid: u32) -> Process {
    let rights = Rights { uids: vec![uid; 4], ..Rights::default() };
    let (kind, program) = (WebKind::Nginx, "/usr/sbin/nginx".to_owned());
    let id = ProcessId { pid, started: 1 };
    let (group, session, is_renamed) = (pid, pid, false);
    Process { id, kind, program, is_renamed, rights, parent, group, session }
}

fn processes(all: impl IntoIterator<Item = Process>) -> Processes {
    Processes(all.into_iter().map(|process| (process.id.pid, process)).collect())
}

fn numbers(mut ids: Vec<ProcessId>) -> Vec<i32> {
    ids.sort();
    ids.iter().map(|id| id.pid).collect()
}

#[test]
fn a_users_process_that_took_roots_server_for_its_child_does_not_hide_it() {
    // 7 is a user's; 8 is root's master, which daemonized below it; 9 is its worker.
    let all = processes([nginx(7, 1, 1000), nginx(8, 7, 0), nginx(9, 8, 33)]);
    let tops: Vec<i32> = all.tops().map(|top| top.id.pid).collect();
    assert_eq!(tops, [7, 8]);
    let family = |pid: i32| numbers(all.family(&all.0[&pid]));
    assert_eq!((family(7), family(8)), (vec![7], vec![8, 9]));
}

#[test]
fn a_family_is_found_in_whatever_order_its_numbers_are_and_however_deep_it_is() {
    let many = 20_000;
    // Each is started by the one with the next number.
    let deep = (2..many).map(|pid| nginx(pid, pid + 1, 1000));
    let all = processes(deep.chain([nginx(many, 1, 1000), nginx(many + 1, 1, 1000)]));
    let tops: Vec<i32> = all.tops().map(|top| top.id.pid).collect();
    assert_eq!(tops, [many, many + 1]);
    let begun = Instant::now();
    assert_eq!(all.family(&all.0[&many]).len(), many as usize - 1);
    assert_eq!(all.family(&all.0[&(many + 1)]).len(), 1);
    // It took minutes when each step looked at all of them.
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    let circle = processes([nginx(5, 6, 1000), nginx(6, 5, 1000)]);
    assert_eq!(circle.tops().count(), 0);
    assert_eq!(numbers(circle.family(&circle.0[&5])), [5, 6]);
}

#[test]
fn only_a_service_of_the_system_is_one() {
    assert_eq!(unit_of("0::/system.slice/nginx.service").as_deref(), Some("nginx.service"));
    let instance = "1:name=systemd:/system.slice/system-apache2.slice/apache2@b.service";
    assert_eq!(unit_of(instance).as_deref(), Some("apache2@b.service"));
    let delegated = "0::/web.slice/shop.service/workers";
    assert_eq!(unit_of(delegated).as_deref(), Some("shop.service"));
    for other in [
        "0::/",
        "0::/user.slice/user-1000.slice/session-3.scope",
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/x.service",
        "0::/docker/abc",
        "0::/machine.slice/libpod-1.scope/system.slice/nginx.service",
        "0::/system.slice/docker-1.scope/system.slice/nginx.service",
        "0::/init.scope/nginx.service",
        "5:pids:/system.slice/nginx.service",
        "0::/user.slice/nginx.service",
        "0",
        "",
    ] {
        assert_eq!(unit_of(other), None, "{other}");
    }
}

#[test]
fn who_gave_rights_up_or_took_them_from_a_setuid_program_is_not_wholly_anybody() {
    let rights = |uids: &str| Rights::read(&format!("Name:\tx\nUid:\t{uids}\nGid:\t0\n"));
    assert!(rights("0\t0\t0\t0").is_wholly(0));
    for uids in ["1000\t0\t0\t0", "0\t33\t0\t33", "33\t33\t0\t33", "0\t0\t0\t33", "0", ""] {
        assert!(!rights(uids).is_wholly(0), "{uids}");
    }
}

#[test]
fn what_a_process_may_at_most_goes_with_its_account() {
    let status = "Uid:\t0\t0\t0\t0\nGid:\t4\t4\t4\t4\nGroups:\t4 27 \n\
                      CapBnd:\t0000000000000400\nNoNewPrivs:\t1\n";
    let account = Rights::read(status).account();
    assert_eq!((account.uid, account.gid, account.bounding), (0, 4, Capabilities(0x400)));
    assert_eq!(account.groups, BTreeSet::from([27]));
    assert!(account.no_new_privileges);
}
