//! How many requests a second are asked of many rules, on one core.

use std::hint::black_box;
use std::time::Instant;

use stopgap_model::Request;
use stopgap_model::rule::BlockRule;
use stopgap_rules::{CompiledRule, RuleSet, Scratch};

use crate::report::{Report, Target, median};
use crate::requests::{requests, rules, size_of};

const REQUESTS: usize = 20_000;
const RUNS: usize = 11;

/// Requests a second against 10 rules and against 1,000.
pub(crate) fn measure(report: &mut Report) -> Result<(), String> {
    for (count, target) in [(10, 1e6), (1000, 2e5)] {
        let (rules, requests) = (rules(count), requests(REQUESTS, count));
        if let Some(odd) = requests.iter().map(size_of).find(|size| !(200..=600).contains(size)) {
            return Err(format!("a request has {odd} bytes"));
        }
        let set = RuleSet::new(&rules).map_err(|(at, error)| format!("rule {at}: {error}"))?;
        compare(&set, &rules, &requests)?;
        let mut scratch = Scratch::default();
        let mut rates = Vec::new();
        for _ in 0..RUNS {
            let start = Instant::now();
            for request in &requests {
                black_box(set.first_match(black_box(request), &mut scratch));
            }
            rates.push(requests.len() as f64 / start.elapsed().as_secs_f64());
        }
        let name = format!("requests against {count} rules, one core");
        report.figure(&name, median(rates), "/s", Target::AtLeast(target));
    }
    Ok(())
}

/// A fast wrong answer is worth nothing: the verdicts are those of asking every rule in order.
fn compare(set: &RuleSet, rules: &[BlockRule], requests: &[Request]) -> Result<(), String> {
    let compiled: Result<Vec<_>, _> = rules.iter().map(CompiledRule::new).collect();
    let compiled = compiled.map_err(|error| error.to_string())?;
    let mut scratch = Scratch::default();
    let mut blocked = 0;
    for (at, request) in requests.iter().enumerate() {
        let found = set.first_match(request, &mut scratch);
        blocked += usize::from(found.is_some());
        // Asking one rule after the other is slow, so only some are: the blocked, and a tenth.
        let asked = found.is_some() || at % 10 == 0;
        if asked && found != compiled.iter().position(|rule| rule.blocks(request)) {
            return Err(format!("the rules disagree about {request:?}"));
        }
    }
    let expected = requests.len() / 100;
    if blocked == expected { Ok(()) } else { Err(format!("{blocked} blocked, not {expected}")) }
}
