//! `cargo xtask test-windows`: builds the programs and the tests for Windows, and runs them under Wine.
//!
//! What is set up once (a root of Debian 13 with Wine, the source of the standard library) is kept outside
//! of the checkout. A run works on a copy of that root, in namespaces of its own: when it ends, however it
//! ends, its mounts and its processes are gone.

mod build;
mod cache;
mod command;
mod namespaces;
mod plan;
mod session;
mod std_source;
mod wine_root;

use crate::tools;

use cache::Cache;
use plan::Plan;

/// Builds and runs the tests; with `names`, only the test programs that have one of them in their name.
pub(crate) fn test(names: &[String]) -> Result<(), String> {
    if let [flag, plan] = names
        && flag == session::INSIDE
    {
        return session::run(plan);
    }
    let missing = tools::install_missing(&tools::OF_WINDOWS);
    if !missing.is_empty() {
        let lines = tools::skipped(&missing).join("\n");
        return Err(format!("test-windows needs what could not be installed:\n{lines}"));
    }
    let cache = Cache::open()?;
    let root = wine_root::ready(&cache)?;
    let source = std_source::ready(&cache, &root)?;
    println!("test-windows: {}", source.said());
    let built = build::all(&source)?;
    let (programs, left_out) = plan::choose(&built, names)?;
    let plan = Plan::new(&root, &cache, programs)?;
    let outcome = session::enter(&plan);
    for line in left_out {
        println!("left out: {line}");
    }
    outcome
}
