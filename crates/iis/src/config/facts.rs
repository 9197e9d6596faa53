//! applicationHost.config → sites, pools, modules, and what it allows of URL Rewrite.

use roxmltree::Node;
use stopgap_model::host::{Application, Fact, Iis, ServerPath, Site, VirtualDirectory};
use stopgap_model::reason::IisReason;

use super::entry::Collection;
use super::xml::{Doc, Written as _};

/// The name under which URL Rewrite is registered.
pub(crate) const REWRITE_MODULE: &str = "RewriteModule";

/// Whether a section may appear below the file that declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OverrideMode {
    /// It may.
    Allow,
    /// It may not: 500.19.
    Deny,
}

/// How deep in a site's configuration a section may appear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Definition {
    /// Only in applicationHost.config.
    Server,
    /// Down to the web.config of an application's root.
    Application,
    /// Everywhere.
    Everywhere,
}

/// A section that `configSections` declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Declared {
    /// `overrideModeDefault`.
    pub(crate) mode: OverrideMode,
    /// `allowDefinition`.
    pub(crate) definition: Definition,
}

/// What a server allows of URL Rewrite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RewriteSupport {
    /// Whether the module is in `globalModules`.
    pub module: bool,
    pub(crate) rules: Option<Declared>,
    pub(crate) global_rules: Option<Declared>,
    pub(crate) outbound_rules: Option<Declared>,
    pub(crate) allowed_variables: Option<Declared>,
    pub(crate) rewrite_maps: Option<Declared>,
}

impl RewriteSupport {
    /// That of a server that has the module and locks nothing.
    pub(crate) fn everything() -> Self {
        let open = Declared { mode: OverrideMode::Allow, definition: Definition::Everywhere };
        Self {
            module: true,
            rules: Some(open),
            global_rules: Some(open),
            outbound_rules: Some(open),
            allowed_variables: Some(open),
            rewrite_maps: Some(open),
        }
    }

    /// How the section of a collection is declared, if it is.
    pub(crate) fn declared(&self, collection: Collection) -> Option<Declared> {
        match collection {
            Collection::GlobalRules => self.global_rules,
            Collection::Rules => self.rules,
            Collection::OutboundRules | Collection::PreConditions => self.outbound_rules,
            Collection::AllowedVariables => self.allowed_variables,
            Collection::Pools => None,
        }
    }
}

/// What the server's configuration says of its sites, pools and modules.
pub(crate) fn iis(doc: &Doc<'_>, config: &ServerPath) -> Iis {
    let named = |path: &[&str]| -> Vec<String> {
        let nodes = doc.descend(doc.root(), path);
        nodes.into_iter().filter_map(|node| node.own_attribute("name")).map(str::to_owned).collect()
    };
    let default_pool = doc
        .descend(doc.root(), &["system.applicationHost", "sites", "applicationDefaults"])
        .into_iter()
        .find_map(|node| node.own_attribute("applicationPool"));
    Iis {
        config: config.clone(),
        sites: doc
            .descend(doc.root(), &["system.applicationHost", "sites", "site"])
            .into_iter()
            .map(|node| site(doc, node, default_pool))
            .collect(),
        pools: named(&["system.applicationHost", "applicationPools", "add"]),
        modules: named(&["system.webServer", "globalModules", "add"]),
    }
}

/// What the server's configuration allows of URL Rewrite.
pub(crate) fn support(doc: &Doc<'_>) -> RewriteSupport {
    let modules = doc.descend(doc.root(), &["system.webServer", "globalModules", "add"]);
    RewriteSupport {
        module: modules.iter().any(|node| node.own_attribute("name") == Some(REWRITE_MODULE)),
        rules: declared(doc, "rules"),
        global_rules: declared(doc, "globalRules"),
        outbound_rules: declared(doc, "outboundRules"),
        allowed_variables: declared(doc, "allowedServerVariables"),
        rewrite_maps: declared(doc, "rewriteMaps"),
    }
}

fn declared(doc: &Doc<'_>, section: &str) -> Option<Declared> {
    let steps =
        [("sectionGroup", "system.webServer"), ("sectionGroup", "rewrite"), ("section", section)];
    let roots = doc.descend(doc.root(), &["configSections"]);
    // A section is declared within the groups that its path names.
    let found = steps.iter().fold(roots, |nodes, (element, name)| {
        let children = nodes.into_iter().flat_map(|node| doc.children(node, element));
        children.filter(|node| node.own_attribute("name") == Some(*name)).collect()
    });
    let section = found.first()?;
    let says = |name: &str| section.own_attribute(name).map(str::to_ascii_lowercase);
    // What is not said is allowed, and everywhere.
    let mode = match says("overrideModeDefault").as_deref() {
        Some("deny") => OverrideMode::Deny,
        _ => OverrideMode::Allow,
    };
    let definition = match says("allowDefinition").as_deref() {
        Some("apphostonly" | "machineonly" | "machinetorootweb") => Definition::Server,
        Some("machinetoapplication") => Definition::Application,
        _ => Definition::Everywhere,
    };
    Some(Declared { mode, definition })
}

fn site(doc: &Doc<'_>, node: Node<'_, '_>, default_pool: Option<&str>) -> Site {
    let application = |node: Node<'_, '_>| Application {
        path: node.own_attribute("path").unwrap_or("/").to_owned(),
        pool: node.own_attribute("applicationPool").or(default_pool).map(str::to_owned),
        directories: doc
            .children(node, "virtualDirectory")
            .map(|node| VirtualDirectory {
                path: node.own_attribute("path").unwrap_or("/").to_owned(),
                physical: expand(node.own_attribute("physicalPath").unwrap_or_default()),
            })
            .collect(),
    };
    Site {
        name: node.own_attribute("name").unwrap_or_default().to_owned(),
        applications: doc.children(node, "application").map(application).collect(),
    }
}

/// The variables that stand for the same folder on every ordinary server.
const VARIABLES: [(&str, &str); 6] = [
    ("systemdrive", "C:"),
    ("systemroot", r"C:\Windows"),
    ("windir", r"C:\Windows"),
    ("programfiles", r"C:\Program Files"),
    ("programfiles(x86)", r"C:\Program Files (x86)"),
    ("programdata", r"C:\ProgramData"),
];

/// A physical path with its environment variables filled in.
pub(crate) fn expand(written: &str) -> Fact<ServerPath> {
    if written.is_empty() {
        return Fact::unknown(IisReason::PathEmpty);
    }
    if written.contains(char::is_control) {
        return Fact::unknown(IisReason::PathWithControls { path: written.to_owned() });
    }
    let (mut out, mut rest) = (String::new(), written);
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        // A lone percent sign stands for itself.
        let Some((name, after)) = after.split_once('%') else {
            out.push('%');
            rest = after;
            break;
        };
        let known = VARIABLES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        // What another variable stands for is known on the server only.
        let Some((_, value)) = known else {
            let (path, variable) = (written.to_owned(), name.to_owned());
            return Fact::unknown(IisReason::PathVariable { path, variable });
        };
        out.push_str(value);
        rest = after;
    }
    out.push_str(rest);
    Fact::Known(ServerPath::new(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environment_variables_are_expanded_whatever_their_case() {
        let known = |text: &str| Fact::Known(ServerPath::new(text));
        assert_eq!(expand(r"%SystemDrive%\inetpub"), known(r"C:\inetpub"));
        assert_eq!(expand(r"%WINDIR%\System32\RpcProxy"), known(r"C:\Windows\System32\RpcProxy"));
        assert_eq!(expand(r"%programfiles(x86)%\a"), known(r"C:\Program Files (x86)\a"));
        assert_eq!(expand(r"D:\100%"), known(r"D:\100%"));
        let variable = IisReason::PathVariable {
            path: r"%MY_ROOT%\a".to_owned(),
            variable: "MY_ROOT".to_owned(),
        };
        assert_eq!(expand(r"%MY_ROOT%\a"), Fact::unknown(variable));
    }
}
