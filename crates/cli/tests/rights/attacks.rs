//! The ways that were tried.

/// One way.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Who tries it.
    pub(crate) user: &'static str,
    /// What an administrator did before, in the shell of root.
    pub(crate) before: &'static str,
    /// What the user does, in his own shell.
    pub(crate) attack: &'static str,
    /// What the administrator does when it is over.
    pub(crate) after: &'static str,
    pub(crate) outcome: Outcome,
    pub(crate) needs_compiler: bool,
}

/// What becomes of the real server meanwhile.
pub(crate) enum Outcome {
    /// It is protected.
    Protected,
    /// It is not, as its own configuration cannot be understood; that is told with these words.
    Told(&'static str),
}

const ATTACK: Attack = Attack {
    name: "",
    user: "mallory",
    before: "",
    attack: "",
    after: "rm -rf /home/mallory/sites/* /home/mallory/sites/.[!.]*; systemctl reload nginx",
    outcome: Outcome::Protected,
    needs_compiler: false,
};

/// A configuration of nginx for a user of the machine, on a port that he may have.
macro_rules! own_nginx {
    () => {
        "mkdir -p ~/own && cd ~/own && cat > nginx.conf <<'END'\n\
         pid /home/mallory/own/pid; error_log /home/mallory/own/error.log;\n\
         events {} http { access_log off; client_body_temp_path /home/mallory/own/b;\n\
         proxy_temp_path /home/mallory/own/p; fastcgi_temp_path /home/mallory/own/f;\n\
         uwsgi_temp_path /home/mallory/own/u; scgi_temp_path /home/mallory/own/s;\n\
         server { listen 127.0.0.1:8081; return 200; } }\nEND\n"
    };
}

pub(crate) const ATTACKS: &[Attack] = &[
    Attack {
        name: "a user runs the system's Apache with a library of his own",
        attack: "mkdir -p ~/own && cd ~/own && printf '%s\\n' 'ServerRoot /home/mallory/own' \
                 'LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so' \
                 'LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so' \
                 'Listen 127.0.0.1:8082' 'PidFile /home/mallory/own/pid' 'ServerName x' \
                 'DefaultRuntimeDir /home/mallory/own' \
                 'ErrorLog /home/mallory/own/error' > apache2.conf && \
                 LD_PRELOAD=/srv/evil.so /usr/sbin/apache2 -d ~/own -f ~/own/apache2.conf -k start",
        needs_compiler: true,
        ..ATTACK
    },
    Attack {
        name: "a user's own nginx has a module loaded once it runs",
        attack: concat!(
            own_nginx!(),
            "/usr/sbin/nginx -c ~/own/nginx.conf 2>/dev/null && \
             sed -i '1i load_module /srv/evil.so;' nginx.conf"
        ),
        needs_compiler: true,
        ..ATTACK
    },
    Attack {
        name: "a program of his own has the name and the title of a master of nginx",
        user: "www-data",
        attack: "mkdir -p /tmp/w && cp /bin/sleep /tmp/w/nginx && \
                 bash -c 'exec -a \"nginx: master process /usr/sbin/nginx -g load_module \
                 /srv/evil.so;\" /tmp/w/nginx 1000' >/dev/null 2>&1 &",
        needs_compiler: true,
        ..ATTACK
    },
    Attack {
        name: "a program is put over that of the server in a namespace of his own",
        attack: "cp /bin/sleep ~/nginx; printf '#!/bin/sh\\ntouch /root/betrayed\\n' > ~/init; \
                 chmod 755 ~/init; unshare --user --map-root-user --mount sh -c \
                 'mount --bind /home/mallory/nginx /usr/sbin/nginx; \
                 mount --bind /home/mallory/init /etc/init.d/nginx; \
                 exec /usr/sbin/nginx 1000' >/dev/null 2>&1 & sleep 0.3",
        ..ATTACK
    },
    Attack {
        name: "a customer's site is a link to a file of root's",
        attack: "ln -s /root/private.conf ~/sites/x.conf",
        outcome: Outcome::Told("is a link of user"),
        ..ATTACK
    },
    Attack {
        name: "a customer's folder is a link to a folder of root's",
        before: "sed -i 's/mallory.sites/mallory\\/*/' /etc/nginx/sites-available/default",
        attack: "ln -s /root ~/folder",
        outcome: Outcome::Told("is a link of user"),
        after: "rm /home/mallory/folder; \
                sed -i 's/mallory.\\*/mallory\\/sites/' /etc/nginx/sites-available/default",
        ..ATTACK
    },
    Attack {
        name: "a customer's site includes a file of root's",
        attack: "echo 'include /root/private.conf;' > ~/sites/x.conf",
        outcome: Outcome::Told("/root/private.conf"),
        ..ATTACK
    },
    Attack {
        name: "a customer's site includes every file of a folder of root's",
        attack: "echo 'include /root/*.conf;' > ~/sites/x.conf",
        outcome: Outcome::Told("/root"),
        ..ATTACK
    },
    Attack {
        name: "a customer's site is a second name of a file of root's",
        before: "ln /root/private.conf /home/mallory/sites/x.conf",
        attack: "true",
        outcome: Outcome::Told("x.conf"),
        ..ATTACK
    },
    Attack {
        name: "a link is where a file is written beside a customer's site",
        attack: "echo 'server { listen 127.0.0.1:8083; return 200; }' > ~/sites/x.conf && \
                 ln -s /root/betrayed ~/sites/.x.conf.stopgap-new",
        ..ATTACK
    },
    Attack {
        name: "a site is exchanged for a link to a file of root's again and again",
        attack: "cd ~/sites && echo 'server { listen 127.0.0.1:8083; return 200; }' > x.conf && \
                 cp x.conf ../good && ln -s /root/private.conf ../evil && \
                 (for i in $(seq 3000); do cp ../good x.tmp; mv x.tmp x.conf; \
                 cp -P ../evil x.tmp; mv x.tmp x.conf; done; cp ../good x.tmp; \
                 mv x.tmp x.conf) >/dev/null 2>&1 &",
        outcome: Outcome::Told("x.conf"),
        after: "rm -f /home/mallory/sites/* /home/mallory/evil",
        ..ATTACK
    },
    Attack {
        name: "a site is a pipe into which nobody writes",
        attack: "mkfifo ~/sites/x.conf",
        outcome: Outcome::Told("did not end within"),
        ..ATTACK
    },
    Attack {
        name: "the program that policy names is in a folder that his group may write",
        before: "mkdir -p /opt/web/bin && chgrp mallory /opt/web && chmod 775 /opt/web && \
                 cp /usr/sbin/nginx /opt/web/bin/nginx && mkdir -p /opt/conf && \
                 echo 'events {}' > /opt/conf/nginx.conf && printf '%s\\n' '[[web.server]]' \
                 'kind = \"nginx\"' 'config = \"/opt/conf/nginx.conf\"' \
                 'program = \"/opt/web/bin/nginx\"' > /root/policy.toml",
        attack: "mv /opt/web/bin /opt/web/old && mkdir /opt/web/bin && \
                 printf '#!/bin/sh\\ntouch /root/betrayed\\n' > /opt/web/bin/nginx && \
                 chmod 755 /opt/web/bin/nginx",
        after: "rm -r /opt/web /opt/conf; : > /root/policy.toml",
        ..ATTACK
    },
    Attack {
        name: "a unit runs his nginx as him, and his configuration names what is root's",
        before: concat!(
            "cat > /etc/systemd/system/his.service <<'END'\n\
             [Service]\nUser=mallory\n\
             ExecStart=/usr/sbin/nginx -c /home/mallory/own/nginx.conf -g 'daemon off;'\nEND\n\
             cat > /home/mallory/set-up <<'SET'\n",
            own_nginx!(),
            "SET\nsetpriv --reuid mallory --regid mallory --init-groups env HOME=/home/mallory \
             sh /home/mallory/set-up && systemctl daemon-reload && systemctl start his"
        ),
        attack: "cd ~/own && sed -i -e '1i load_module /srv/evil.so;' \
                 -e 's|server {|include /root/private.conf; server {|' nginx.conf",
        after: "systemctl stop his; rm /etc/systemd/system/his.service; systemctl daemon-reload",
        needs_compiler: true,
        ..ATTACK
    },
    Attack {
        name: "a unit runs his nginx as him, and it includes the site of root's server",
        before: concat!(
            "cat > /etc/systemd/system/his.service <<'END'\n\
             [Service]\nUser=mallory\n\
             ExecStart=/usr/sbin/nginx -c /home/mallory/own/nginx.conf -g 'daemon off;'\nEND\n\
             echo 'server { listen 127.0.0.1:8090; return 200; }' > /etc/nginx/shared; \
             echo 'include /etc/nginx/shared;' > /etc/nginx/conf.d/shared.conf; \
             cat > /home/mallory/set-up <<'SET'\n",
            own_nginx!(),
            "SET\nsetpriv --reuid mallory --regid mallory --init-groups env HOME=/home/mallory \
             sh /home/mallory/set-up && systemctl daemon-reload && systemctl start his; \
             systemctl reload nginx"
        ),
        attack: "cd ~/own && sed -i 's|server {|include /etc/nginx/shared; server {|' nginx.conf",
        after: "systemctl stop his; rm /etc/systemd/system/his.service /etc/nginx/shared \
                /etc/nginx/conf.d/shared.conf; systemctl daemon-reload; \
                systemctl reload nginx",
        outcome: Outcome::Told("another web server takes in /etc/nginx/shared too"),
        ..ATTACK
    },
    Attack {
        name: "a unit has its variables from a file that he may write",
        before: "mkdir -p /etc/systemd/system/nginx.service.d && printf '%s\\n' '[Service]' \
                 'EnvironmentFile=/home/mallory/variables' \
                 > /etc/systemd/system/nginx.service.d/his.conf && \
                 touch /home/mallory/variables && chown mallory: /home/mallory/variables && \
                 systemctl daemon-reload",
        attack: "echo LD_PRELOAD=/srv/evil.so > ~/variables",
        after: "rm -r /etc/systemd/system/nginx.service.d /home/mallory/variables; \
                systemctl daemon-reload",
        outcome: Outcome::Told("others than root may write to /home/mallory"),
        needs_compiler: true,
        ..ATTACK
    },
    Attack {
        name: "a user's HAProxy is gone when it is looked at, and would be started again",
        attack: "mkdir -p ~/own && printf '%s\\n' defaults ' mode http' ' timeout client 5s' \
                 ' timeout server 5s' ' timeout connect 5s' 'frontend x' ' bind 127.0.0.1:8084' \
                 ' http-request return status 200' > ~/own/haproxy.cfg && \
                 (haproxy -W -f ~/own/haproxy.cfg & master=$!; sleep 1.5; \
                 kill -KILL $master) >/dev/null 2>&1 & sleep 0.5",
        ..ATTACK
    },
    Attack {
        name: "a user holds a lock on every file of the server's configuration",
        attack: "for file in /etc/nginx/nginx.conf /etc/nginx/sites-available/default; do \
                 flock $file sleep 1000 >/dev/null 2>&1 & done; sleep 0.3",
        ..ATTACK
    },
    Attack {
        name: "a user's socket says by its name that his connection is a socket that listens",
        attack: "perl -MSocket -e '\
                 socket(my $c, AF_INET, SOCK_STREAM, 0); \
                 connect($c, sockaddr_in(80, inet_aton(\"127.0.0.1\"))) or die; \
                 syswrite $c, \"GET / HTTP/1.1\\r\\nX: \"; \
                 my ($port) = sockaddr_in(getsockname $c); my $from = sprintf \":%04X\", $port; \
                 select undef, undef, undef, 0.3; open my $table, \"/proc/net/tcp\"; my $number; \
                 while (<$table>) { my @f = split; \
                 $number = $f[9] if $f[1] =~ /:0050$/ && $f[2] =~ /$from$/ } \
                 socket(my $u, AF_UNIX, SOCK_STREAM, 0); \
                 bind $u, pack_sockaddr_un(\"\\0\\n0: 0 0 00010000 0001 01 $number x\") or die; \
                 fork and exit 0; sleep 1000' >/dev/null 2>&1",
        ..ATTACK
    },
];
