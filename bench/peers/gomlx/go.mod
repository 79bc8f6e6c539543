module cairn.bench/gomlx

go 1.24
