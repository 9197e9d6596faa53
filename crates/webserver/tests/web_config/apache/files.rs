//! The files of Apache: how much is gone through, and what is wrong with them.

use super::{MAIN, alone, none, rules};
use crate::config_files::{Machine, apache_text};

#[test]
fn a_macro_that_cannot_be_read_is_told_and_one_that_uses_itself_comes_to_an_end() {
    for (text, told) in [
        ("Use X\n", "line 1: the macro x is not defined here"),
        ("<Macro X>\n</Macro>\nUndefMacro x\nUse X\n", "line 4: the macro x is not defined here"),
        (
            "<Macro X $a>\n</Macro>\n\nUse X\n",
            "line 4: the macro x is used with another number of words",
        ),
        ("<Macro X>\nListen 1\n", "line 1: the macro has no name or no end"),
        (
            "<Macro X>\nUse X\n</Macro>\nUse X\n",
            "line 4: the macro x uses itself, or uses of macros are too deep",
        ),
        (
            "<Macro X>\n<Directory />\n</Macro>\nUse X\n",
            "line 4: the section <Directory> has no end",
        ),
    ] {
        assert_eq!(alone(text).trouble().to_string(), format!("{MAIN}, {told}"), "{text}");
    }
    // Twenty macros, each of which uses the one before a hundred times.
    let mut text = String::from("<Macro M0>\nListen 80\n</Macro>\n");
    for at in 1..20 {
        text += &format!("<Macro M{at}>\n{}</Macro>\n", format!("Use M{}\n", at - 1).repeat(100));
    }
    let told = alone(&format!("{text}Use M19\n")).trouble().to_string();
    assert!(told.contains("it has more than"), "{told}");
}

#[test]
fn what_a_small_file_makes_by_macros_and_variables_has_a_bound() {
    let told = |text: &str| alone(text).trouble().to_string();
    // 300 KB that make 10 GB.
    let (body, word) = ("$a".repeat(100_000), "x".repeat(100_000));
    let macros = told(&format!("<Macro X $a>\n{body}\n</Macro>\nUse X {word}\n"));
    assert!(
        macros.contains("line 4: with all includes it has more than 134217728 bytes"),
        "{macros}"
    );
    // Each compare looks at half of the parameter.
    let parameter = format!("{}b", "a".repeat(600_000));
    let body = "a".repeat(1_200_000);
    let compared = told(&format!("Listen 80\n<Macro X {parameter}>\n{body}\n</Macro>\nUse X y\n"));
    let expected = "line 2: a parameter of the macro has a name of more than 256 bytes";
    assert_eq!(compared, format!("{MAIN}, {expected}"));
    // Each variable is twice the one before.
    let mut text = String::from("Define V0 x\n");
    for at in 1..60 {
        text += &format!("Define V{at} ${{V{}}}${{V{}}}\n", at - 1, at - 1);
    }
    let expected = "line 22: its variables put more than 1048576 bytes into this line";
    assert_eq!(told(&text), format!("{MAIN}, {expected}"));
    // Each line has as much as one may have.
    let text = format!("Define A {}\n{}", "x".repeat(1_000_000), "Header set X ${A}\n".repeat(200));
    let lines = told(&text);
    assert!(lines.contains("it has more than 134217728 bytes"), "{lines}");
    // 1 MB with half a million names, which are kept for each host that has them.
    let host = "<VirtualHost *:80>\nServerAlias ${A}\n</VirtualHost>\n";
    let text = format!("Define A \"{}\"\n{}", "x ".repeat(500_000), host.repeat(100));
    let names = told(&text);
    assert!(names.contains("it has more than 134217728 bytes"), "{names}");
    // Names of variables without an end, and sections in each other.
    let text = format!("Listen 80\nServerName {}\n", "${".repeat(500_000));
    assert_eq!(alone(&text).told_sites().len(), 1);
    let deep = told(&"<Directory />\n".repeat(100_000));
    assert_eq!(deep, format!("{MAIN}, line 257: sections are more than 256 deep here"));
}

#[test]
fn an_include_of_a_folder_takes_in_all_files_below() {
    let machine = Machine::apache(&[
        (MAIN, "ServerRoot \"/srv/root\"\nInclude more\n"),
        ("/srv/root/more/a", "Listen 81\n"),
        ("/srv/root/more/b", "Listen 82\n"),
    ]);
    assert_eq!(machine.sites().len(), 2);
}

#[test]
fn what_is_wrong_is_told() {
    for (text, told) in [
        ("\nInclude none.conf\n", "line 2: /etc/apache2/none.conf is not there"),
        ("Include apache2.conf", "line 1: /etc/apache2/apache2.conf includes itself"),
        ("Include", "line 1: the include names nothing"),
        ("# \\\nx\n<Directory />\n", "line 3: the section <Directory> has no end"),
        ("<A>\n</B>\n", "line 2: </B> ends no section that is open here"),
        ("</B>\n", "line 1: </B> ends no section that is open here"),
    ] {
        assert_eq!(alone(text).trouble().to_string(), format!("{MAIN}, {told}"), "{text}");
    }
    alone("IncludeOptional none.conf\nIncludeOptional none/*.conf\n")
        .there_and_back(&rules(), &none());
    let error = alone("Listen 80 \\\n").try_place(&rules()).unwrap_err();
    assert_eq!(error.to_string(), "/etc/apache2/apache2.conf ends in a line that is continued");
    assert_eq!(
        alone("<Location />\n Satisfy any\n</Location>\n").gaps(&rules()),
        ["`Satisfy Any` in /etc/apache2/apache2.conf, line 2 lets requests in that rules deny"]
    );
    let text = apache_text("<If \"true\">\n Require all denied\n Satisfy All\n</If>\n");
    assert!(alone("Satisfy Any\n").gaps(&text).is_empty());
}

#[test]
fn a_configuration_of_5_mb_is_read_and_changed() {
    let mut text = String::from("Listen 80\n");
    for at in 0..2000 {
        text += &format!("<VirtualHost *:80>\n  ServerName s{at}.example\n");
        text += &"  Redirect /some/path/of/theirs /another/path/of/theirs/ \n".repeat(45);
        text += "</VirtualHost>\n";
    }
    assert!(text.len() > 5_000_000);
    let machine = alone(&text);
    machine.there_and_back(&rules(), &none());
    assert_eq!(machine.sites().len(), 2000);
}
