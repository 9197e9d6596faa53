//! Handler mappings and FastCGI applications → the PHP programs that IIS runs.

use roxmltree::Node;

use super::xml::{Doc, Written as _};

/// The modules that run a program for a request.
const RUNNERS: [&str; 2] = ["FastCgiModule", "CgiModule"];

/// The programs that PHP comes as. The second is its command line, which old handler mappings have.
const PHP: [&str; 2] = ["php-cgi.exe", "php.exe"];

/// The PHP programs that a file names, at its root or in a location, each spelling once. Whether a
/// handler is removed again further down is not asked: a program that is named counts as run.
pub(crate) fn programs(doc: &Doc<'_>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let root = doc.root();
    for place in std::iter::once(root).chain(doc.children(root, "location")) {
        let applications = doc.descend(place, &["system.webServer", "fastCgi", "application"]);
        let paths = applications.into_iter().filter_map(|node| node.own_attribute("fullPath"));
        let handlers = doc.descend(place, &["system.webServer", "handlers", "add"]);
        let handlers = handlers.into_iter().filter(runs_a_program);
        let processors = handlers.filter_map(|node| node.own_attribute("scriptProcessor"));
        for path in paths.chain(processors).filter_map(program) {
            if !found.iter().any(|other| other == path) {
                found.push(path.to_owned());
            }
        }
    }
    found
}

fn runs_a_program(handler: &Node<'_, '_>) -> bool {
    let modules = handler.own_attribute("modules").unwrap_or_default();
    modules
        .split(',')
        .any(|module| RUNNERS.iter().any(|runner| module.trim().eq_ignore_ascii_case(runner)))
}

/// The path in `C:\PHP\php-cgi.exe|arguments`, `"C:\PHP\php-cgi.exe" arguments` and the like, if it
/// is one of PHP's programs. Blanks part nothing by themselves: folders have them in their names.
fn program(written: &str) -> Option<&str> {
    let text = written.split('|').next().unwrap_or_default().trim();
    let text = text.strip_prefix('"').unwrap_or(text);
    let lower = text.to_ascii_lowercase();
    let ends = PHP
        .iter()
        .flat_map(|name| lower.match_indices(name).map(move |(at, _)| (at, at + name.len())));
    let is_whole = |&(at, end): &(usize, usize)| {
        let before = text.get(..at).unwrap_or_default();
        let behind = text.get(end..).unwrap_or_default();
        matches!(before.chars().next_back(), None | Some('\\' | '/' | '"'))
            && matches!(behind.chars().next(), None | Some(' ' | '\t' | '"'))
    };
    let (_, end) = ends.filter(is_whole).min()?;
    text.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(config: &str) -> Vec<String> {
        let text = format!("<configuration>{config}</configuration>");
        programs(&Doc::parse(text.as_bytes()).unwrap())
    }

    fn handlers(modules: &str, processor: &str) -> String {
        format!(
            "<system.webServer><handlers><clear /><add name=\"x\" path=\"*.php\" verb=\"*\" \
             modules=\"{modules}\" scriptProcessor=\"{processor}\" /></handlers></system.webServer>"
        )
    }

    #[test]
    fn php_is_named_by_fastcgi_applications_and_by_handlers_and_each_path_once() {
        let config = r#"<system.webServer>
          <fastCgi>
            <application fullPath="C:\PHP83\php-cgi.exe" maxInstances="4"><environmentVariables /></application>
            <application fullPath="%ProgramFiles%\PHP\v8.1\PHP-CGI.EXE" arguments="-c x" />
            <application fullPath="C:\Python\python.exe" arguments="C:\wfastcgi.py" />
          </fastCgi>
          <handlers>
            <add name="PHP" path="*.php" modules="FastCgiModule" scriptProcessor="C:\PHP83\php-cgi.exe" />
          </handlers></system.webServer>
          <location path="old"><system.webServer><handlers>
            <add name="PHP" path="*.php" modules="CgiModule" scriptProcessor="C:\PHP5\php.exe" />
          </handlers></system.webServer></location>"#;
        let expected =
            [r"C:\PHP83\php-cgi.exe", r"%ProgramFiles%\PHP\v8.1\PHP-CGI.EXE", r"C:\PHP5\php.exe"];
        assert_eq!(named(config), expected);
    }

    #[test]
    fn the_program_is_told_from_its_arguments() {
        let cases = [
            (r"C:\PHP\php-cgi.exe|-d a=b", r"C:\PHP\php-cgi.exe"),
            (r"C:\Program Files\PHP\php-cgi.exe", r"C:\Program Files\PHP\php-cgi.exe"),
            (r"C:\Program Files\PHP\php.exe -c C:\x %s", r"C:\Program Files\PHP\php.exe"),
            (
                r"&quot;C:\Program Files\PHP\php-cgi.exe&quot; &quot;%s&quot; %s",
                r"C:\Program Files\PHP\php-cgi.exe",
            ),
            (r" C:/php.exe.d/php-cgi.exe ", r"C:/php.exe.d/php-cgi.exe"),
            ("php-cgi.exe", "php-cgi.exe"),
        ];
        for (written, program) in cases {
            assert_eq!(named(&handlers("FastCgiModule", written)), [program], "{written}");
        }
    }

    #[test]
    fn what_is_not_php_or_not_run_is_not_named() {
        let nothing: [&str; 0] = [];
        for other in [
            r"C:\perl\perl.exe",
            r"C:\not-php-cgi.exe",
            r"C:\php-cgi.exe.bak",
            r"C:\php\x.exe|php.exe",
            "",
        ] {
            assert_eq!(named(&handlers("CgiModule", other)), nothing, "{other}");
        }
        for module in ["IsapiModule", "ManagedPipelineHandler", "", "MyFastCgiModule"] {
            assert_eq!(named(&handlers(module, r"C:\PHP\php-cgi.exe")), nothing, "{module}");
        }
        let several = handlers("StaticFileModule, FastCgiModule", r"C:\PHP\php-cgi.exe");
        assert_eq!(named(&several), [r"C:\PHP\php-cgi.exe"]);
        let elsewhere = r#"<!-- <system.webServer /> --><system.web><fastCgi>
            <application fullPath="C:\PHP\php-cgi.exe" /></fastCgi></system.web>"#;
        assert_eq!(named(elsewhere), nothing);
    }
}
