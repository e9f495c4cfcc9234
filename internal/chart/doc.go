// Package chart holds the tests of packaging/helm, in a module of its own because of Helm's and Kubernetes' libraries.
package chart
