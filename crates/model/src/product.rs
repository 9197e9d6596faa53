//! How mitigation documents and `policy.toml` name products.
//!
//! A product is `publisher/product`, such as `microsoft/exchange-server`, or a package URL without
//! version, qualifiers and subpath: `pkg:TYPE/NAMESPACE/NAME`, such as `pkg:deb/debian/apache2` or
//! `pkg:npm/next`. Names are compared as they are written, so each has one spelling.

/// What a name of a product looks like, as a phrase with examples.
pub const PRODUCT_RULE: &str = "lower-case words, as in `microsoft/exchange-server`, or a package \
     without its version, as in `pkg:npm/next`";

/// The distributions whose packages can be identified: the `ID` of each in os-release(5), and what
/// the names of its packages begin with.
pub const DISTRIBUTIONS: [(&str, &str); 4] = [
    ("debian", "pkg:deb/debian/"),
    ("fedora", "pkg:rpm/fedora/"),
    ("rhel", "pkg:rpm/redhat/"),
    ("ubuntu", "pkg:deb/ubuntu/"),
];

/// Whether `text` names a product: see [`PRODUCT_RULE`].
///
/// In a package URL `%40` stands for the `@` of an npm scope and `%2B` for `+`, as the package URL
/// specification writes them. Names of RPM packages may have capital letters, the only ones in which
/// they count. Packages of a distribution are named with it: `pkg:deb/debian/apache2`.
#[must_use]
pub fn is_product(text: &str) -> bool {
    let Some(purl) = text.strip_prefix("pkg:") else { return text.split('/').all(is_word) };
    let mut parts = purl.split('/');
    let kind = parts.next().unwrap_or_default();
    let parts: Vec<&str> = parts.collect();
    let of_a_distribution = kind == "deb" || kind == "rpm";
    let capitals = |at: usize| kind == "rpm" && at + 1 == parts.len();
    is_word(kind)
        && (if of_a_distribution { parts.len() == 2 } else { !parts.is_empty() })
        && parts.iter().enumerate().all(|(at, part)| is_part(part, capitals(at)))
}

/// The distribution and the package that `product` names, as in `pkg:deb/debian/` and `libstdc++6`;
/// `None` if it is no package of a distribution.
#[must_use]
pub fn package(product: &str) -> Option<(&str, String)> {
    let purl = product.strip_prefix("pkg:deb/").or_else(|| product.strip_prefix("pkg:rpm/"))?;
    let (_, name) = purl.split_once('/')?;
    Some((product.strip_suffix(name)?, name.replace("%2B", "+")))
}

/// A name in another spelling would match no server and leave it unprotected without a word.
pub(crate) fn is_word(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-._".contains(&b);
    !text.is_empty() && text.bytes().all(allowed)
}

fn is_part(text: &str, capitals: bool) -> bool {
    let plain = text.replace("%40", "").replace("%2B", "");
    let allowed = |b: u8| {
        b.is_ascii_lowercase()
            || b.is_ascii_digit()
            || b"-._~".contains(&b)
            || (capitals && b.is_ascii_uppercase())
    };
    !text.is_empty() && plain.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_and_packages_have_one_spelling() {
        for good in [
            "microsoft/exchange-server",
            "php/php",
            "pkg:npm/next",
            "pkg:npm/%40angular/core",
            "pkg:maven/com.atlassian.confluence/confluence",
            "pkg:deb/debian/apache2",
            "pkg:deb/debian/libstdc%2B%2B6",
            "pkg:rpm/fedora/NetworkManager",
            "pkg:golang/github.com/traefik/traefik/v3",
        ] {
            assert!(is_product(good), "{good}");
        }
        for bad in [
            "",
            "Microsoft/exchange-server",
            "microsoft/",
            "/",
            "npm:next",
            "pkg:",
            "pkg:npm",
            "pkg:npm/",
            "pkg:npm//next",
            "pkg:npm/next@14.2.20",
            "pkg:npm/@angular/core",
            "pkg:npm/Next",
            "pkg:deb/apache2",
            "pkg:deb/debian/apache2?arch=amd64",
            "pkg:deb/debian/apache2#conf",
            "pkg:deb/debian/libstdc++6",
            "pkg:deb/debian/libstdc%2b%2b6",
            "pkg:deb/debian/Apache2",
            "pkg:rpm/Fedora/httpd",
            "pkg:NPM/next",
        ] {
            assert!(!is_product(bad), "{bad}");
        }
    }

    #[test]
    fn a_package_is_looked_for_by_the_name_that_its_manager_knows() {
        let plus = package("pkg:deb/debian/libstdc%2B%2B6");
        assert_eq!(plus, Some(("pkg:deb/debian/", "libstdc++6".to_owned())));
        assert_eq!(package("pkg:npm/next"), None);
        assert_eq!(package("microsoft/exchange-server"), None);
    }
}
