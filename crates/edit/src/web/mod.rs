//! The configuration of nginx, Apache httpd and HAProxy as text.
