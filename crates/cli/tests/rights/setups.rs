//! The ways in which administrators run their servers.

/// One way.
pub(crate) struct Setup {
    pub(crate) name: &'static str,
    /// The program that has to be installed.
    pub(crate) program: &'static str,
    /// How it is set up and started, in the shell of root.
    pub(crate) start: &'static str,
    /// Where it answers.
    pub(crate) ports: &'static [u16],
    /// The files and folders of its configuration, as words of the shell.
    pub(crate) config: &'static str,
    pub(crate) stop: &'static str,
}

/// A server of nginx of one's own: `$1` its name, `$2` its port.
macro_rules! own_nginx {
    () => {
        "own() { mkdir -p /srv/$1/tmp; cat > /srv/$1/nginx.conf <<END\n\
         pid /srv/$1/pid; error_log /srv/$1/error.log; events {}\n\
         http { access_log off; client_body_temp_path /srv/$1/tmp/b;\n\
         proxy_temp_path /srv/$1/tmp/p; fastcgi_temp_path /srv/$1/tmp/f;\n\
         uwsgi_temp_path /srv/$1/tmp/u; scgi_temp_path /srv/$1/tmp/s;\n\
         server { listen $2; location / { return 200; } } }\nEND\n}\n"
    };
}

pub(crate) const SETUPS: &[Setup] = &[
    Setup {
        name: "nginx as its package runs it",
        program: "nginx",
        start: "mv /etc/nginx.aside /etc/nginx; systemctl start nginx",
        ports: &[80],
        config: "/etc/nginx",
        stop: "systemctl stop nginx; mv /etc/nginx /etc/nginx.aside",
    },
    Setup {
        name: "Apache as its package runs it, with a /tmp of its own",
        program: "apache2",
        start: "mv /etc/apache2.aside /etc/apache2; systemctl start apache2",
        ports: &[80],
        config: "/etc/apache2",
        stop: "systemctl stop apache2; mv /etc/apache2 /etc/apache2.aside",
    },
    Setup {
        name: "HAProxy as its package runs it, with -Ws",
        program: "haproxy",
        start: "mv /etc/haproxy.aside /etc/haproxy; printf '%s\\n' 'frontend x' '  bind :8080' '  http-request return status 200' \
                >> /etc/haproxy/haproxy.cfg; systemctl start haproxy",
        ports: &[8080],
        config: "/etc/haproxy",
        stop: "systemctl stop haproxy; mv /etc/haproxy /etc/haproxy.aside",
    },
    Setup {
        name: "a server that a shell of root's started",
        program: "nginx",
        start: concat!(own_nginx!(), "own shell 8084; nginx -c /srv/shell/nginx.conf"),
        ports: &[8084],
        config: "/srv/shell/nginx.conf",
        stop: "kill $(cat /srv/shell/pid)",
    },
    Setup {
        name: "several servers, each in the foreground under a unit of its own",
        program: "nginx",
        start: concat!(
            own_nginx!(),
            "own one 8085; own two 8086; for name in one two; do\n\
             cat > /etc/systemd/system/$name.service <<END\n[Service]\n\
             ExecStart=/usr/sbin/nginx -c /srv/$name/nginx.conf -g 'daemon off;'\n\
             ExecReload=/bin/kill -HUP \\$MAINPID\nEND\ndone\n\
             systemctl daemon-reload; systemctl start one two"
        ),
        ports: &[8085, 8086],
        config: "/srv/one/nginx.conf /srv/two/nginx.conf",
        stop: "systemctl stop one two; rm /etc/systemd/system/one.service \
               /etc/systemd/system/two.service; systemctl daemon-reload",
    },
    Setup {
        name: "an instance of a template unit",
        program: "nginx",
        start: concat!(
            own_nginx!(),
            "own blue 8087; cat > /etc/systemd/system/web@.service <<'END'\n[Service]\n\
             Type=forking\nPIDFile=/srv/%i/pid\nExecStart=/usr/sbin/nginx -c /srv/%i/nginx.conf\n\
             ExecReload=/bin/kill -HUP $MAINPID\nEND\n\
             systemctl daemon-reload; systemctl start web@blue"
        ),
        ports: &[8087],
        config: "/srv/blue/nginx.conf",
        stop: "systemctl stop web@blue; rm /etc/systemd/system/web@.service; \
               systemctl daemon-reload",
    },
    Setup {
        name: "a server that a supervisor like runit keeps",
        program: "nginx",
        start: concat!(
            own_nginx!(),
            "own runit 8088; setsid sh -c 'echo $$ > /srv/runit/supervisor; while :; do \
             nginx -c /srv/runit/nginx.conf -g \"daemon off;\"; sleep 0.2; done' \
             </dev/null >/dev/null 2>&1 &"
        ),
        ports: &[8088],
        config: "/srv/runit/nginx.conf",
        stop: "kill $(cat /srv/runit/supervisor); kill $(cat /srv/runit/pid)",
    },
    Setup {
        name: "Apache that apache2ctl started",
        program: "apache2",
        start: "mv /etc/apache2.aside /etc/apache2; apache2ctl start",
        ports: &[80],
        config: "/etc/apache2",
        stop: "apache2ctl stop; while pidof apache2 >/dev/null; do sleep 0.1; done; \
               mv /etc/apache2 /etc/apache2.aside",
    },
    Setup {
        name: "a unit with a user and a capability, whose files are that user's",
        program: "nginx",
        start: concat!(
            own_nginx!(),
            "useradd --system web; own web 81; chown -R web: /srv/web; \
             cat > /etc/systemd/system/user.service <<'END'\n[Service]\nUser=web\n\
             AmbientCapabilities=CAP_NET_BIND_SERVICE\n\
             ExecStart=/usr/sbin/nginx -c /srv/web/nginx.conf -g 'daemon off;'\n\
             ExecReload=/bin/kill -HUP $MAINPID\nEND\n\
             systemctl daemon-reload; systemctl start user"
        ),
        ports: &[81],
        config: "/srv/web/nginx.conf /srv/web/tmp",
        stop: "systemctl stop user; rm /etc/systemd/system/user.service; \
               systemctl daemon-reload",
    },
];
