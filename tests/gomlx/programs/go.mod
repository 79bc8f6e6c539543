module cairn.test/gomlx

go 1.24
