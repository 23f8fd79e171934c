# Lines NAME VERSION LICENCE as the components of a CycloneDX document.
{
  bomFormat: "CycloneDX", specVersion: "1.6", version: 1,
  components: [
    inputs | capture("^(?<name>[^ ]+) (?<version>[^ ]+) (?<licence>.*)$") | {
      type: "library", name, version, purl: "pkg:cargo/\(.name)@\(.version)",
      licenses: [{expression: (.licence | gsub("/"; " OR "))}]
    }
  ]
}
