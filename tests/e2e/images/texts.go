package images

// The files of servers that their images bring.

const nginxConf = `user nginx;
worker_processes auto;
error_log /var/log/nginx/error.log notice;
pid /run/nginx.pid;

events {
    worker_connections 1024;
}

http {
    include /etc/nginx/mime.types;
    default_type application/octet-stream;
    access_log /var/log/nginx/access.log combined;
    sendfile on;
    keepalive_timeout 65;
    include /etc/nginx/conf.d/*.conf;
}
`

const nginxSite = `server {
    listen 80;
    location / {
        root /usr/share/nginx/html;
        index index.html;
    }
    location = /nginx_status {
        stub_status;
        allow 127.0.0.1;
        deny all;
    }
}
`

const apacheModules = "/usr/lib/apache2/modules"

const apacheConf = `ServerName localhost
ServerRoot /tmp
PidFile /tmp/httpd.pid
ErrorLog /dev/stderr
LoadModule mpm_event_module ` + apacheModules + `/mod_mpm_event.so
LoadModule authz_core_module ` + apacheModules + `/mod_authz_core.so
LoadModule authz_host_module ` + apacheModules + `/mod_authz_host.so
LoadModule status_module ` + apacheModules + `/mod_status.so
Mutex posixsem
User www-data
Group www-data
Listen 80
ExtendedStatus On
<Location "/server-status">
    SetHandler server-status
    Require local
</Location>
`

const phpFpmConf = `[global]
error_log = /dev/stderr
[www]
user = www-data
group = www-data
listen = 127.0.0.1:9000
pm = static
pm.max_children = 2
pm.status_path = /status
`

const mariadbEntrypoint = `set -e
cd /usr/share/mysql
# What is quoted in SQL: backslashes and quotes.
password=$(printf '%s' "$MARIADB_PASSWORD" | sed "s/[\\']/\\\\&/g")
{
    # A statement on each line.
    echo 'CREATE DATABASE mysql;'
    echo 'USE mysql;'
    echo 'SET @auth_root_socket=NULL;'
    cat mysql_system_tables.sql mysql_performance_tables.sql mysql_system_tables_data.sql
    echo "FLUSH PRIVILEGES;"
    echo "CREATE USER '$MARIADB_USER'@'%' IDENTIFIED BY '$password';"
    echo "GRANT ALL ON *.* TO '$MARIADB_USER'@'%';"
} | mariadbd --no-defaults --bootstrap --datadir=/var/lib/mysql
exec "$@" --datadir=/var/lib/mysql --socket=/tmp/mysqld.sock --skip-name-resolve
`

const (
	postgresBin = "/usr/lib/postgresql/[0-9]*/bin/"
	postgresLib = "/usr/lib/postgresql/[0-9]*/lib/"
)

const postgresEntrypoint = `set -e
printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
BIN/initdb --pgdata=/var/lib/postgresql/data --username="$POSTGRES_USER" --pwfile=/tmp/password \
    --auth=scram-sha-256 --locale=C --encoding=UTF8
exec BIN/postgres -D /var/lib/postgresql/data
`
