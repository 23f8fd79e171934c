// Package images makes the container images of the labs out of Debian's programs and our own, without a registry. They
// have the names that multipod's patterns and the examples ask for, and their users, folders and entry points are those
// of the images that people know by these names.
package images

import (
	"fmt"
	"strings"

	"multipod/e2e/images/archive"
)

// Recipe says what one image is.
type Recipe struct {
	Name     string
	Tags     []string
	Config   archive.Config
	Contents []content
}

// Recipes are all images of the labs.
var Recipes = []Recipe{
	{
		Name:     "pause",
		Tags:     []string{"lab/pause:1"},
		Config:   archive.Config{User: "65535:65535", Entrypoint: []string{"/pause"}},
		Contents: []content{program("pause", "/pause")},
	},
	{
		// Nothing but the app: no shell, as in most images of people who care.
		Name:   "app",
		Tags:   []string{"lab/app:1"},
		Config: archive.Config{User: "65532:65532", Env: path("/"), Entrypoint: []string{"/app"}, Cmd: []string{"serve"}},
		Contents: []content{
			program("app", "/app"), users("app:65532"), folder("/var/log/app", 65532), temporary(),
		},
	},
	{
		// A shell and everything that a lab may want to do from inside, the git server among it.
		Name:   "client",
		Tags:   []string{"lab/client:1"},
		Config: archive.Config{Env: path(everywhere), Cmd: []string{"sleep", "2147483647"}},
		Contents: []content{
			busybox(), debian("/usr/bin/curl", "/usr/bin/redis-cli"), git(), certificates(),
			program("app", "/usr/local/bin/app"), program("git-ssh", "/usr/local/bin/git-ssh"), users(), temporary(),
		},
	},
	{
		Name:     "busybox",
		Tags:     []string{"busybox:1.37"},
		Config:   archive.Config{Env: path(everywhere), Cmd: []string{"sh"}},
		Contents: []content{busybox(), users(), temporary()},
	},
	{
		Name: "haproxy",
		Tags: []string{byDefault + "ambassador"},
		Config: archive.Config{
			User: "haproxy", Env: path(everywhere), StopSignal: "SIGUSR1", WorkingDir: "/var/lib/haproxy",
			Cmd: []string{"haproxy", "-f", "/usr/local/etc/haproxy/haproxy.cfg"},
		},
		Contents: []content{
			debian("/usr/sbin/haproxy"), users("haproxy:99"), folder("/var/lib/haproxy", 99),
			folder("/usr/local/etc/haproxy", 0), temporary(),
		},
	},
	{
		Name: "nginx",
		Tags: []string{"nginx:1.29"},
		Config: archive.Config{
			Env: path(everywhere), StopSignal: "SIGQUIT", Cmd: []string{"nginx", "-g", "daemon off;"},
			ExposedPorts: map[string]struct{}{"80/tcp": {}},
		},
		Contents: []content{
			debian("/usr/sbin/nginx"), users("nginx:101"), temporary(), host("/etc/nginx/mime.types"),
			data("/etc/nginx/nginx.conf", nginxConf), data("/etc/nginx/conf.d/default.conf", nginxSite),
			data("/usr/share/nginx/html/index.html", "<h1>It works</h1>\n"),
			link("/var/log/nginx/access.log", "/dev/stdout"), link("/var/log/nginx/error.log", "/dev/stderr"),
			folder("/var/lib/nginx", 101), folder("/run", 101),
		},
	},
	{
		Name:   "nginx-exporter",
		Tags:   []string{byDefault + "metrics-nginx"},
		Config: archive.Config{User: "1001:1001", Entrypoint: []string{"/usr/bin/nginx-prometheus-exporter"}},
		Contents: []content{
			program("nginx-exporter", "/usr/bin/nginx-prometheus-exporter"),
		},
	},
	{
		Name: "redis",
		Tags: []string{"redis:8"},
		Config: archive.Config{
			User: "999:999", Env: path(everywhere), WorkingDir: "/data", Cmd: []string{"redis-server", "--protected-mode", "no"},
		},
		Contents: []content{
			debian("/usr/bin/redis-server", "/usr/bin/redis-cli"), users("redis:999"), folder("/data", 999), temporary(),
		},
	},
	{
		// Debian's release, which is older than its tag here.
		Name:     "redis-exporter",
		Tags:     []string{byDefault + "metrics-redis"},
		Config:   archive.Config{User: "59000:59000", Entrypoint: []string{"/redis_exporter"}},
		Contents: []content{debianAs("/usr/bin/prometheus-redis-exporter", "/redis_exporter")},
	},
	{
		Name: "apache",
		Tags: []string{"httpd:2.4"},
		Config: archive.Config{
			Env: path(everywhere), StopSignal: "SIGWINCH", Cmd: []string{"apache2", "-D", "FOREGROUND", "-f", "/etc/apache2.conf"},
		},
		Contents: []content{
			debian("/usr/sbin/apache2"), folderOf(apacheModules), users("www-data:33"), temporary(), data("/etc/apache2.conf", apacheConf),
		},
	},
	{
		Name:   "memcached",
		Tags:   []string{"memcached:1.6"},
		Config: archive.Config{User: "11211:11211", Env: path(everywhere), Cmd: []string{"memcached"}},
		Contents: []content{
			debian("/usr/bin/memcached"), users("memcache:11211"), temporary(),
		},
	},
	{
		// Each start makes its data anew, and the user of MARIADB_USER with the password of MARIADB_PASSWORD.
		Name: "mariadb",
		Tags: []string{"mariadb:11"},
		Config: archive.Config{
			User: "999:999", Env: path(everywhere), WorkingDir: "/var/lib/mysql", Entrypoint: []string{"sh", "/entrypoint.sh"}, Cmd: []string{"mariadbd"},
		},
		Contents: []content{
			busybox(), debian("/usr/sbin/mariadbd"), folderOf("/usr/share/mysql"), users("mysql:999"), folder("/var/lib/mysql", 999),
			temporary(), data("/entrypoint.sh", mariadbEntrypoint),
		},
	},
	{
		Name:   "php-fpm",
		Tags:   []string{"php:8-fpm"},
		Config: archive.Config{Env: path(everywhere), Cmd: []string{"php-fpm", "-F", "-n", "-y", "/etc/php-fpm.conf"}},
		Contents: []content{
			debianAs(newest("/usr/sbin/php-fpm[0-9]*"), "/usr/sbin/php-fpm"), users("www-data:33"), temporary(),
			data("/etc/php-fpm.conf", phpFpmConf),
		},
	},
	{
		// Each start makes its data anew, and the user of POSTGRES_USER with the password of POSTGRES_PASSWORD.
		Name: "postgres",
		Tags: []string{"postgres:17"},
		Config: archive.Config{
			User: "999:999", Env: path(everywhere), WorkingDir: "/var/lib/postgresql", Entrypoint: []string{"sh", "/entrypoint.sh"},
		},
		Contents: []content{
			busybox(), debian(newest(postgresBin+"postgres"), newest(postgresBin+"initdb")), folderOf(newest("/usr/share/postgresql/[0-9]*")),
			debian(newest(postgresLib+"plpgsql.so"), newest(postgresLib+"dict_snowball.so")), users("postgres:999"),
			folder("/var/lib/postgresql", 999), folder("/var/run/postgresql", 999), temporary(),
			data("/entrypoint.sh", strings.ReplaceAll(postgresEntrypoint, "BIN/", newest(postgresBin))),
		},
	},
	{
		// Debian's release, which is older than its tag here.
		Name:     "apache-exporter",
		Tags:     []string{byDefault + "metrics-apache"},
		Config:   archive.Config{User: "nobody", Entrypoint: []string{"/bin/apache_exporter"}},
		Contents: []content{debianAs("/usr/bin/prometheus-apache-exporter", "/bin/apache_exporter"), users()},
	},
	{
		Name:     "memcached-exporter",
		Tags:     []string{byDefault + "metrics-memcached"},
		Config:   archive.Config{User: "nobody", Entrypoint: []string{"/bin/memcached_exporter"}},
		Contents: []content{program("memcached-exporter", "/bin/memcached_exporter"), users()},
	},
	{
		Name:     "mysql-exporter",
		Tags:     []string{byDefault + "metrics-mysql"},
		Config:   archive.Config{User: "nobody", Entrypoint: []string{"/bin/mysqld_exporter"}},
		Contents: []content{program("mysql-exporter", "/bin/mysqld_exporter"), users()},
	},
	{
		Name:     "php-fpm-exporter",
		Tags:     []string{byDefault + "metrics-php-fpm"},
		Config:   archive.Config{Entrypoint: []string{"/php-fpm_exporter"}, Cmd: []string{"server"}},
		Contents: []content{program("php-fpm-exporter", "/php-fpm_exporter"), users()},
	},
	{
		Name:     "postgres-exporter",
		Tags:     []string{byDefault + "metrics-postgres"},
		Config:   archive.Config{User: "nobody", Entrypoint: []string{"/bin/postgres_exporter"}},
		Contents: []content{program("postgres-exporter", "/bin/postgres_exporter"), users()},
	},
	{
		Name:     "statsd-exporter",
		Tags:     []string{byDefault + "metrics-statsd"},
		Config:   archive.Config{User: "65534", Entrypoint: []string{"/bin/statsd_exporter"}},
		Contents: []content{program("statsd-exporter", "/bin/statsd_exporter"), users()},
	},
	{
		// Debian's finds nothing in a Kubernetes.
		Name: "prometheus",
		Tags: []string{"prom/prometheus:v3.15.0"},
		Config: archive.Config{
			User: "65534:65534", WorkingDir: "/prometheus", Entrypoint: []string{"/bin/prometheus"},
			Cmd: []string{"--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus"},
		},
		Contents: []content{
			program("prometheus", "/bin/prometheus"), users(), folder("/prometheus", 65534), certificates(),
			data("/etc/prometheus/prometheus.yml", "global: {scrape_interval: 5s}\n"), temporary(),
		},
	},
	{
		Name: "otelcol",
		Tags: []string{byDefault + "logging-shipper"},
		Config: archive.Config{
			User: "10001:10001", Entrypoint: []string{"/otelcol-contrib"},
			Cmd: []string{"--config", "/etc/otelcol-contrib/config.yaml"},
		},
		Contents: []content{program("otelcol", "/otelcol-contrib"), certificates()},
	},
	{
		Name: "git-sync",
		Tags: []string{byDefault + "git-sync"},
		Config: archive.Config{
			User: "65533:65533", WorkingDir: "/tmp", Env: append(path(everywhere), "HOME=/tmp"),
			Entrypoint: []string{"/git-sync"},
		},
		Contents: []content{
			program("git-sync", "/git-sync"), git(), debian("/usr/bin/ssh", "/bin/dash"), link("/bin/sh", "dash"),
			users("git-sync:65533"), folder("/git", 65533), certificates(), temporary(),
		},
	},
	{
		Name:     "coredns",
		Tags:     []string{"coredns/coredns:1.15.0"},
		Config:   archive.Config{Entrypoint: []string{"/coredns"}},
		Contents: []content{program("coredns", "/coredns"), certificates()},
	},
	{
		Name:   "kwok",
		Tags:   []string{"kwok/kwok:v0.8.0"},
		Config: archive.Config{Entrypoint: []string{"/usr/local/bin/kwok", "--config=/etc/kwok/stages.yaml"}},
		Contents: []content{
			program("kwok", "/usr/local/bin/kwok"), source(Stages, "/etc/kwok/stages.yaml"), certificates(), temporary(),
		},
	},
	{
		// What the Dockerfile makes.
		Name:     "multipod",
		Tags:     []string{"multipod/multipod:" + own},
		Config:   archive.Config{User: "65532:65532", Env: path("/"), Entrypoint: []string{"/multipod"}},
		Contents: []content{multipod()},
	},
}

// Stages is the file, from the repository on, that says what kwok plays.
const Stages = "tests/e2e/images/kwok/stages.yaml"

// others are the programs of other people, whose folder only says which release is built: what to build, and how.
var others = map[string][]string{
	"helm":               {"helm.sh/helm/v4/cmd/helm"},
	"helm3":              {"helm.sh/helm/v3/cmd/helm"},
	"kwok":               {"sigs.k8s.io/kwok/cmd/kwok"},
	"memcached-exporter": {"github.com/prometheus/memcached_exporter/cmd/memcached_exporter"},
	"mysql-exporter":     {"github.com/prometheus/mysqld_exporter"},
	"nginx-exporter":     {"github.com/nginxinc/nginx-prometheus-exporter"},
	"php-fpm-exporter":   {"github.com/hipages/php-fpm_exporter"},
	"postgres-exporter":  {"github.com/prometheus-community/postgres_exporter/cmd/postgres_exporter"},
	"prometheus":         {"-tags=remove_all_sd,enable_kubernetes_sd", "github.com/prometheus/prometheus/cmd/prometheus"},
	"statsd-exporter":    {"github.com/prometheus/statsd_exporter"},
}

// own stands for the version of multipod in a tag.
const own = "OWN"

// byDefault stands, before the name of a row in Defaults, for the image that a pattern asks for by default.
const byDefault = "default "

// Defaults is the file, from the repository on, of the images that patterns ask for by default.
const Defaults = "crates/engine/src/pattern/images.yaml"

const everywhere = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func path(folders string) []string {
	return []string{"PATH=" + folders}
}

// Names are those of all images.
func Names() []string {
	var names []string
	for _, recipe := range Recipes {
		names = append(names, recipe.Name)
	}
	return names
}

// find gives the recipes of these names, or all.
func find(names []string) ([]Recipe, error) {
	if len(names) == 0 {
		return Recipes, nil
	}
	var found []Recipe
	for _, name := range names {
		at := -1
		for index, recipe := range Recipes {
			if recipe.Name == name {
				at = index
			}
		}
		if at < 0 {
			return nil, fmt.Errorf("there is no image %q; there are %s", name, strings.Join(Names(), ", "))
		}
		found = append(found, Recipes[at])
	}
	return found, nil
}
