//! What Apache answers by itself.

use crate::config_files::{Machine, apache_text};

#[test]
fn what_a_whole_host_redirects_comes_before_rules_and_what_a_part_of_it_does_not() {
    let main = "Listen 80
Redirect gone /old
RewriteRule ^/main - [R=307]
<VirtualHost *:80>
  ServerName a
  AllowEncodedSlashes NoDecode
  RedirectMatch 301 ^/x /y
  RedirectMatch 303 ^/(.*)$ https://b/$1
  RewriteEngine On
  RewriteRule ^ https://%{HTTP_HOST}/ [L,NE]
  RewriteRule ^/plain /other [PT]
  <Location /part>
    Redirect 404
  </Location>
  <IfModule alias_module>
    RedirectTemp /z /
  </IfModule>
</VirtualHost>
<VirtualHost *:80>
  ServerName b
  CacheEnable disk /
  CacheIgnoreCacheControl On
</VirtualHost>
<VirtualHost *:80>
  ServerName c
  CacheEnable disk /
  CacheQuickHandler off
</VirtualHost>
";
    let machine = Machine::apache(&[("/etc/apache2/apache2.conf", main)]);
    let at = |line: usize| format!("in /etc/apache2/apache2.conf, line {line}");
    let told = machine.own_answers();
    let of = |block: usize| -> Vec<String> {
        let begins = format!("{block}: ");
        told.iter().filter_map(|own| own.strip_prefix(&begins)).map(str::to_owned).collect()
    };
    let slash = "EncodedSlash, AllowEncodedSlashes, which is off".to_owned();
    let gone = format!("Below(\"/old\", 410), the redirect {}", at(2));
    let expected = [
        format!("With({{303}}), the redirect {}", at(8)),
        format!("With({{302}}), the redirect {}", at(10)),
        gone.clone(),
    ];
    assert_eq!(of(1), expected);
    let cache = format!("Anything, the cache {}", at(21));
    assert_eq!(of(2), [gone.clone(), slash.clone(), cache]);
    assert_eq!(of(3), [gone, slash.clone()]);
    assert_eq!(of(0).last(), Some(&slash));
    let gaps = machine.gaps(&apache_text("<If \"true\">\n</If>\n"));
    let told: Vec<_> = gaps.iter().filter(|gap| gap.contains("CacheQuickHandler off")).collect();
    assert_eq!(told.len(), 1, "{gaps:?}");
    assert!(told[0].contains(&at(21)), "{gaps:?}");
}

#[test]
fn a_redirect_counts_for_the_requests_and_the_sites_that_it_is_for() {
    let certbot = "RewriteCond %{SERVER_NAME} =A.test [OR]\nRewriteCond %{SERVER_NAME} =b.test\n\
                   RewriteRule ^ https://%{SERVER_NAME}%{REQUEST_URI} [END,NE,R=permanent]\n";
    let tls = "RewriteRule ^/?(.*) https://%{SERVER_NAME}/$1 [R=301,L]\n";
    let all = "With({301}), ";
    for (lines, expected) in [
        ("Redirect / https://b/\n".to_owned(), vec!["With({302}), "]),
        ("Redirect permanent /old-feed /feed\n".into(), vec!["Below(\"/old-feed\", 301), "]),
        ("RedirectMatch ^/$ /app\n".into(), vec![]),
        ("RedirectMatch 302 \\.php$ /app\n".into(), vec![]),
        (tls.into(), vec![all]),
        (certbot.into(), vec!["With({301}) of {\"a.test\", \"b.test\"}, "]),
        (format!("RewriteCond %{{HTTPS}} !=on\n{tls}"), vec!["With({301}) without TLS, "]),
        (format!("RewriteCond %{{HTTPS}} off [OR]\n{tls}"), vec![]),
        (format!("RewriteCond %{{HTTPS}} on\n{tls}"), vec![]),
        (format!("RewriteCond %{{HTTP_COOKIE}} !login\n{tls}"), vec![]),
        (
            format!("RewriteCond %{{SERVER_NAME}} =a\nRewriteCond %{{REQUEST_URI}} !^/x\n{tls}"),
            vec![],
        ),
        // A condition is for the next rule alone.
        (format!("RewriteCond %{{HTTP_COOKIE}} x\nRewriteRule ^/a /b\n{tls}"), vec![all]),
        (
            format!("RewriteRule .* - [E=X:y]\nRewriteRule ^/p https://b/ [R=301,L]\n{tls}"),
            vec![all],
        ),
        // These keep requests from what is behind them.
        (format!("RewriteRule ^/app - [L]\n{tls}"), vec![]),
        (format!("RewriteRule ^/app - [S=1]\n{tls}"), vec![]),
        (format!("RewriteRule ^/app - [C]\n{tls}"), vec![]),
        (format!("RewriteRule ^/app http://127.0.0.1:8080/ [P]\n{tls}"), vec![]),
        (format!("RewriteEngine Off\n{tls}"), vec![]),
    ] {
        let main =
            format!("Listen 80\n<VirtualHost *:80>\nRewriteEngine On\n{lines}</VirtualHost>\n");
        let told = Machine::apache(&[("/etc/apache2/apache2.conf", &main)]).own_answers();
        let redirects: Vec<_> = told.iter().filter(|own| own.contains("redirect")).collect();
        let all: Vec<String> = expected.iter().map(|own| format!("1: {own}")).collect();
        assert_eq!(redirects.len(), all.len(), "{lines}{told:?}");
        assert!(
            redirects.iter().zip(&all).all(|(own, all)| own.starts_with(all)),
            "{lines}{told:?}"
        );
    }
}
