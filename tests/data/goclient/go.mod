module multipod/goclient

go 1.21
