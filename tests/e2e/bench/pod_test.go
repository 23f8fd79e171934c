package bench

import (
	"encoding/json"
	"fmt"
	"testing"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// asking is what pods ask multipod for.
var asking = map[string]string{"multipod/ambassador": "80:8775"}

// podOf is a pod as large as that, written as JSON: three containers with resources, probes and many variables.
func podOf(t *testing.T, size int, annotations map[string]string) []byte {
	t.Helper()
	pod := core.Pod{
		TypeMeta: meta.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: meta.ObjectMeta{
			GenerateName: "shop-7c9f6d5b4-",
			Labels:       map[string]string{"app.kubernetes.io/name": "shop", "pod-template-hash": "7c9f6d5b4"},
			Annotations:  annotations,
		},
	}
	for number := range 3 {
		pod.Spec.Containers = append(pod.Spec.Containers, container(number))
	}
	for number := 0; ; number++ {
		text, err := json.Marshal(pod)
		if err != nil {
			t.Fatal(err)
		}
		if len(text) >= size {
			return text
		}
		at := &pod.Spec.Containers[number%3]
		at.Env = append(at.Env, variable(number))
	}
}

func container(number int) core.Container {
	port := 8775 + number
	return core.Container{
		Name:  fmt.Sprintf("shop-%d", number),
		Image: "mirror.example/shop/server:1.2.3",
		Ports: []core.ContainerPort{{Name: fmt.Sprintf("http-%d", number), ContainerPort: int32(port)}},
		Resources: core.ResourceRequirements{
			Requests: core.ResourceList{"cpu": resource.MustParse("50m"), "memory": resource.MustParse("64Mi")},
			Limits:   core.ResourceList{"memory": resource.MustParse("256Mi")},
		},
		ReadinessProbe: &core.Probe{PeriodSeconds: 5, ProbeHandler: core.ProbeHandler{
			HTTPGet: &core.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt(port)},
		}},
	}
}

func variable(number int) core.EnvVar {
	name := fmt.Sprintf("SHOP_SETTING_%d", number)
	switch number % 3 {
	case 0:
		return core.EnvVar{Name: name, ValueFrom: &core.EnvVarSource{SecretKeyRef: &core.SecretKeySelector{
			LocalObjectReference: core.LocalObjectReference{Name: "shop"}, Key: fmt.Sprintf("setting-%d", number),
		}}}
	case 1:
		return core.EnvVar{Name: name, ValueFrom: &core.EnvVarSource{FieldRef: &core.ObjectFieldSelector{FieldPath: "metadata.name"}}}
	default:
		return core.EnvVar{Name: name, Value: fmt.Sprintf(`a "quoted" value of some length, number %d`, number)}
	}
}
