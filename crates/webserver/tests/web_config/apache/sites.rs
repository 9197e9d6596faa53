//! What the configuration of Apache says of sites.

use super::{MAIN, alone, debian, none, rules};

#[test]
fn every_virtual_host_is_a_site_where_it_listens() {
    assert_eq!(
        debian().told_sites(),
        [
            "(no name):80 Port(None, 80)",
            "a.example:80 Port(None, 80)",
            "stopgap.b.example:80 Port(None, 80)",
            "shop.example:443 (TLS) Port(None, 443)",
        ]
    );
}

#[test]
fn the_main_server_answers_where_no_virtual_host_does() {
    let machine = alone(
        "ServerName main.example:80
Listen 127.0.0.1:8080
Listen [::1]:8081
Listen 8443 https
<VirtualHost 127.0.0.1:8080 192.0.2.1>
  ServerName a
  RemoteIPProxyProtocol On
</VirtualHost>
<VirtualHost 192.0.2.1:8443>
  ServerName b
</VirtualHost>
<VirtualHost *:9>
  ServerName never
</VirtualHost>
",
    );
    assert_eq!(
        machine.told_sites(),
        [
            "a Unasked(\"it expects the PROXY protocol\")",
            "a (TLS) Unasked(\"it expects the PROXY protocol\")",
            "b:8443 (TLS) Port(Some(192.0.2.1), 8443)",
            "main.example:8081 Port(Some(::1), 8081)",
        ]
    );
}

#[test]
fn conditions_are_decided_where_they_can_be() {
    let mut machine = alone(
        "Define PORT 81
<IfDefine !PORT>
  Listen 1
  <VirtualHost *:81>
  </VirtualHost>
</IfDefine>
<IfDefine GIVEN>
  Listen ${PORT}
</IfDefine>
<IfVersion < 2.4>
  Listen 2
</IfVersion>
<IfVersion >= 2.4.10>
  Listen ${FROM_OUTSIDE}
</IfVersion>
<IfModule !mod_so.c>
  Listen 3
</IfModule>
<IfFile /x>
  Listen 83
</IfFile>
<IfModule mpm_event_module>
  Listen 84
</IfModule>
<Macro Site $name>
  <VirtualHost *:81>
    ServerName $name
  </VirtualHost>
</Macro>
",
    );
    machine.server.defines.push("GIVEN".into());
    machine.server.variables.insert("FROM_OUTSIDE".into(), "82".into());
    let ports: Vec<String> = machine.sites().iter().map(ToString::to_string).collect();
    assert_eq!(ports, ["(no name):81", "(no name):82", "(no name):83", "(no name):84"]);
}

#[test]
fn hosts_that_a_macro_makes_are_sites_wherever_it_is_used() {
    let mut machine = alone(
        "Listen 81
<Macro Site $name $port>
  <VirtualHost *:$port>
    ServerName $name.test
    ServerAlias www.$name.test
  </VirtualHost>
  Include more/$name.conf
</macro>
Use Site a 81
<IfDefine NO>
  Use Site b 81
</IfDefine>
<Macro Both $one $other>
  use site $one 81
  USE Site $other 82
</Macro>
<IfFile /x>
  Use Nothing c
</IfFile>
Use Both d e
UndefMacro Site
IncludeOptional conf.d/*.conf
",
    );
    for name in ["a", "d", "e"] {
        machine.files.insert(format!("/etc/apache2/more/{name}.conf"), b"# none".to_vec());
    }
    machine.files.insert("/etc/apache2/conf.d/own.conf".into(), b"Listen 82".to_vec());
    let sites: Vec<String> = machine.sites().iter().map(ToString::to_string).collect();
    let expected = ["a.test:81", "www.a.test:81", "d.test:81", "www.d.test:81", "e.test:82"];
    assert_eq!(sites[..5], expected);
    assert_eq!(
        machine.gaps(&rules())[0],
        "the hosts that the macro nothing makes in /etc/apache2/apache2.conf, line 18 are not known, \
         so none of them is probed"
    );
    machine.there_and_back(&rules(), &none());
}

#[test]
fn a_section_ends_where_apache_ends_it() {
    // What follows the name in the line of an end is nothing to Apache; a section whose condition holds
    // ends with its file, at the latest.
    let sites = |text: &str| alone(text).told_sites();
    let host = "<VirtualHost *:80>\nServerName a\n</VirtualHost>";
    let open = format!("Listen 80\n<IfModule mod_so.c>\n{host} </IfModule>\nServerName b\n");
    assert_eq!(sites(&open), ["a:80 Port(None, 80)"]);
    let twice = format!("{open}</IfModule>\n");
    assert_eq!(sites(&twice), ["a:80 Port(None, 80)"]);
    let not = open.replace("mod_so.c", "mod_none.c");
    let told = alone(&not).trouble().to_string();
    assert_eq!(told, format!("{MAIN}, line 2: the section <IfModule> has no end"));
    let inside = "Listen 80\n<IfModule mod_so.c>\n<VirtualHost *:80>\n";
    let told = alone(inside).trouble().to_string();
    assert_eq!(told, format!("{MAIN}, line 3: the section <VirtualHost> has no end"));
}
