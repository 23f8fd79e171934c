package bench

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// scale is how many pods are made, with multipod and without.
func scale(t *testing.T) int {
	given := os.Getenv("PODS")
	if given == "" {
		return 3000
	}
	count, err := strconv.Atoi(given)
	if err != nil || count < deployments {
		t.Fatalf("PODS is a number, %d or more: %q", deployments, given)
	}
	return count
}

const (
	deployments = 10
	nodes       = 20
	enough      = 4 * time.Minute
)

func TestThousandsOfPodsAreMadeThroughMultipod(t *testing.T) {
	k.Play(t, nodes)
	m := k.Serve(t)
	without, webhook := k.Namespace(t), k.Namespace(t)
	k.Register(t, m, webhook)
	pods := scale(t) / deployments * deployments

	fmt.Printf("\n%d pods of %d Deployments on %d played nodes\n", pods, deployments, nodes)
	idle := worked(t)
	plain := rollOut(t, without, pods)
	half := worked(t)
	before, served := k.Metrics(t), m.Metrics(t)
	injected := rollOut(t, webhook, pods)
	after, counted := k.Metrics(t), m.Metrics(t)
	end := worked(t)

	fmt.Printf("%s\n\n%-14s %14s %10s %14s\n", surroundings(), "", "all created s", "pods/s", "all ready s")
	plain.print("no webhook", pods)
	injected.print("multipod", pods)
	const metric = "apiserver_admission_webhook_admission_duration_seconds"
	calls := after.Sum(metric+"_count", `name="pods.multipod.dev"`) - before.Sum(metric+"_count", `name="pods.multipod.dev"`)
	spent := after.Sum(metric+"_sum", `name="pods.multipod.dev"`) - before.Sum(metric+"_sum", `name="pods.multipod.dev"`)
	fmt.Printf("\n%s: mean %.2f ms over %.0f calls, %.2f per pod\n", metric, 1000*spent/calls, calls, calls/float64(pods))
	const own = "multipod_admission_duration_seconds"
	decided := (counted.Sum(own+"_sum") - served.Sum(own+"_sum")) / (counted.Sum(own+"_count") - served.Sum(own+"_count"))
	fmt.Printf("%s: mean %.2f ms\n", own, 1000*decided)
	const accepted = "multipod_connections_accepted_total"
	fmt.Printf("%s: %.0f; calls under way on average: %.0f\n", accepted, counted.Sum(accepted)-served.Sum(accepted), spent/injected.created.Seconds())
	fmt.Printf("\n%-26s %12s %12s\n", "seconds of CPU", "no webhook", "multipod")
	for _, part := range slices.Sorted(maps.Keys(end)) {
		fmt.Printf("%-26s %12.1f %12.1f\n", part, half[part]-idle[part], end[part]-half[part])
	}
	fmt.Printf("%-26s %12.1f %12.1f\n\n", "there are, until ready", plain.ready.Seconds()*float64(runtime.NumCPU()), injected.ready.Seconds()*float64(runtime.NumCPU()))

	expectInjected(t, webhook, pods)
	const mutate, good = `endpoint="mutate"`, `outcome="injected"`
	all := counted.Sum(reviews, mutate) - served.Sum(reviews, mutate)
	if fine := counted.Sum(reviews, mutate, good) - served.Sum(reviews, mutate, good); fine != all || fine < float64(pods) {
		t.Errorf("of %v reviews %v ended well", all, fine)
	}
}

const reviews = "multipod_admission_requests_total"

// worked tells how many seconds of CPU the parts of this cluster have had so far, and the whole machine.
func worked(t *testing.T) map[string]float64 {
	t.Helper()
	const tick = 100 // of the kernel's accounts in a second
	total := map[string]float64{}
	found, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, file := range found {
		text, _ := os.ReadFile(file)
		if !bytes.Contains(text, []byte(k.Dir)) {
			continue
		}
		words := strings.Split(string(text), "\x00")
		name := filepath.Base(words[0])
		if strings.HasPrefix(name, "kube-v") && len(words) > 1 {
			name = words[1] // one program is all of them
		}
		stat, err := os.ReadFile(filepath.Join(filepath.Dir(file), "stat"))
		if err != nil {
			continue // it has ended
		}
		_, rest, _ := bytes.Cut(stat, []byte(") "))
		total[name] += add(strings.Fields(string(rest))[11:13]) / tick
	}
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(stat), "\n")
	columns := strings.Fields(line) // cpu user nice system idle iowait irq softirq …
	total["the whole machine"] = add(slices.Concat(columns[1:4], columns[6:8])) / tick
	return total
}

func add(columns []string) (sum float64) {
	for _, column := range columns {
		value, _ := strconv.ParseFloat(column, 64) // the kernel writes numbers
		sum += value
	}
	return sum
}

type rollout struct{ created, ready time.Duration }

func (r rollout) print(name string, pods int) {
	fmt.Printf("%-14s %14.1f %10.0f %14.1f\n", name, r.created.Seconds(), float64(pods)/r.created.Seconds(), r.ready.Seconds())
}

var deployment = template.Must(template.New("deployment").Parse(`
{{- range .Numbers }}
apiVersion: apps/v1
kind: Deployment
metadata: {name: "shop-{{ . }}"}
spec:
  replicas: {{ $.Replicas }}
  selector: {matchLabels: {app: "shop-{{ . }}"}}
  template:
    metadata:
      labels: {app: "shop-{{ . }}"}
      annotations: {multipod/ambassador: "80:8775"}
    spec:
      containers: [{name: app, image: "lab/app:1"}]
---
{{- end }}
`))

// rollOut creates the Deployments and tells how long it takes until their pods are there, and until they are ready.
func rollOut(t *testing.T, namespace string, pods int) (took rollout) {
	t.Helper()
	var manifests bytes.Buffer
	var numbers [deployments]int
	for at := range numbers {
		numbers[at] = at
	}
	err := deployment.Execute(&manifests, map[string]any{"Numbers": numbers, "Replicas": pods / deployments})
	if err != nil {
		t.Fatal(err)
	}
	k.Apply(t, namespace, manifests.String())
	for begun := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		created, ready := progress(t, namespace)
		if took.created == 0 && created == pods {
			took.created = time.Since(begun)
		}
		if ready == pods {
			took.ready = time.Since(begun)
			return took
		}
		if time.Since(begun) > enough {
			t.Fatalf("%d of %d pods were created and %d are ready after %s", created, pods, ready, enough)
		}
	}
}

func progress(t *testing.T, namespace string) (created, ready int) {
	t.Helper()
	sets, err := client.AppsV1().ReplicaSets(namespace).List(context.Background(), meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range sets.Items {
		created += int(set.Status.Replicas)
		ready += int(set.Status.ReadyReplicas)
	}
	return created, ready
}

func expectInjected(t *testing.T, namespace string, pods int) {
	t.Helper()
	list, err := client.CoreV1().Pods(namespace).List(context.Background(), meta.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(list.Items) != pods {
		t.Errorf("%d pods instead of %d", len(list.Items), pods)
	}
	for _, pod := range list.Items {
		if len(pod.Spec.InitContainers) != 1 || pod.Spec.InitContainers[0].Name != "multipod-ambassador" {
			t.Fatalf("%s came through without what it asks for", pod.Name)
		}
	}
}
