using System.CommandLine;
using System.Text.Json;
using Microsoft.Data.Analysis;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests;

/// <summary>Files that other programs read and write: NumPy's, Arrow's, and the schema of spectrum.json.</summary>
public sealed class InteropTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("spectralkd-interop-").FullName;
    private readonly StringWriter _output = new();
    private readonly StringWriter _error = new();

    [Theory]
    [InlineData("deit_nano_patch4_32", ".npy")]
    [InlineData("cait_nano_patch4_32", ".npy")]
    [InlineData("swin_nano_patch2_window4_32", ".npz")]
    public async Task Features_written_and_read_again_have_the_spectra_of_the_model(string model, string ending)
    {
        Assert.SkipUnless(Models.ModelCatalog.All.Any(entry => entry.Name == model), $"skipped: the catalogue has no {model}");
        string[] of = ["--model", model, "--weights", "seeded", "--images", "textures", "--count", "5"];
        Assert.Equal(0, await RunAsync(["features", "write", .. of, "--out", Folder("features")]));
        Assert.Equal(5, Directory.GetFiles(Folder("features"), "*" + ending).Length);
        Assert.Equal(1, await RunAsync(["features", "write", .. of, "--out", Folder("features")]));
        Assert.Contains("holds features already", _error.ToString());

        Assert.Equal(0, await RunAsync(["analyze", .. of, "--domain", "both", "--out", Folder("model")]));
        Assert.Equal(0, await RunAsync("features", "analyze", Folder("features"), "--domain", "both", "--out", Folder("read")));
        var (direct, read) = (ModelSpectrum.Load(Folder("model/spectrum.json")), ModelSpectrum.Load(Folder("read/spectrum.json")));
        Assert.Equal(direct.Intensities.Length, read.Intensities.Length);
        Assert.All(direct.Blocks.Zip(read.Blocks), pair => Assert.Equal((pair.First.Intensity!.Value, pair.First.ChannelIntensity!.Value), (pair.Second.Intensity!.Value, pair.Second.ChannelIntensity!.Value), new Near()));
    }

    [Fact]
    public async Task NumPy_opens_what_is_written_and_what_it_writes_is_read()
    {
        var (code, said) = await ProgramRun.RunAsync(ProgramRun.Python, ["-c", "import numpy"]);
        Assert.SkipUnless(code == 0, $"skipped: no Python with numpy ({said.Trim().Split('\n')[^1]})");
        Assert.Equal(0, await RunAsync("features", "write", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "2", "--layers", "0,-1", "--out", Folder("features")));
        var script = $"""
            import glob, numpy
            a = [numpy.load(f) for f in sorted(glob.glob({JsonSerializer.Serialize(Folder("features"))} + '/*.npy'))]
            assert len(a) == 2 and all(x.shape == (2, 64, x.shape[2]) and x.dtype == numpy.float32 for x in a), [x.shape for x in a]
            import os
            os.makedirs({JsonSerializer.Serialize(Folder("numpy"))})
            numpy.savez({JsonSerializer.Serialize(Folder("numpy/one.npz"))}, stage_0=a[0][0].astype('float64'), stage_1=a[0][1][:16].astype('float16'))
            numpy.save({JsonSerializer.Serialize(Folder("pickled.npy"))}, numpy.array([a[0][0], a[0][1][:3]], dtype=object), allow_pickle=True)
            """;
        await ProgramRun.SucceedAsync(ProgramRun.Python, ["-c", script]);
        var spectrum = FeatureFiles.Analyze(Folder("numpy"), cancellation: TestContext.Current.CancellationToken);
        Assert.Equal([(8, 8), (4, 4)], spectrum.Blocks.Select(block => (block.Height, block.Width)));
        var first = Directory.GetFiles(Folder("features")).Order(StringComparer.Ordinal).First();
        Assert.Equal(FeatureFiles.Analyze(first, cancellation: TestContext.Current.CancellationToken).Intensities[0], spectrum.Intensities[0], 1e-12);
        Assert.Contains("an array of Python objects, which is a pickle", Assert.Throws<SpectralKDException>(() => FeatureFiles.Analyze(Folder("pickled.npy"))).Message);
    }

    [Fact]
    public async Task What_is_no_NumPy_array_is_refused_in_one_line()
    {
        NumpyFile.Write(Folder("good.npy"), new NumpyArray([2, 4, 3], new float[24]));
        var bytes = await File.ReadAllBytesAsync(Folder("good.npy"), TestContext.Current.CancellationToken);
        foreach (var length in new[] { 0, 5, 9, 40, bytes.Length - 1 })
        {
            await File.WriteAllBytesAsync(Folder("cut.npy"), bytes[..length], TestContext.Current.CancellationToken);
            Assert.Contains("cut.npy is ", Assert.Throws<SpectralKDException>(() => FeatureFiles.Analyze(Folder("cut.npy"))).Message);
        }

        NumpyFile.Write(Folder("odd.npy"), new NumpyArray([2, 5, 3], new float[30]));
        Assert.Contains("5 tokens of block 0 are no square grid", Assert.Throws<SpectralKDException>(() => FeatureFiles.Analyze(Folder("odd.npy"))).Message);
        Assert.Equal(5, FeatureFiles.Analyze(Folder("odd.npy"), rows: 1, cancellation: TestContext.Current.CancellationToken).Blocks[0].Width);
    }

    [Theory]
    [InlineData("arrow", "Arrow")]
    [InlineData("parquet", "Parquet")]
    public void A_table_comes_back_from_a_file_with_its_types_nulls_and_bits(string ending, string kind)
    {
        Action<DataFrame, string> save = ending == "arrow" ? TableArrow.Save : TableParquet.Save;
        Func<string, DataFrame> load = ending == "arrow" ? TableArrow.Load : TableParquet.Load;
        var table = new DataFrame(
            new Int32DataFrameColumn("block", new int?[] { 0, null, 2 }), new Int64DataFrameColumn("images", new long?[] { 1, 2, null }), new DoubleDataFrameColumn("x.y", new double?[] { Math.PI, null, 1e-300 }),
            new SingleDataFrameColumn("single", new float?[] { float.NaN, 0.1f, null }), new BooleanDataFrameColumn("yes", new bool?[] { true, null, false }), new StringDataFrameColumn("name", ["a", null, "ü,\""]));
        save(table, Folder($"table.{ending}"));
        var again = load(Folder($"table.{ending}"));
        Assert.Equal(table.Columns.Select(column => (column.Name, column.DataType)), again.Columns.Select(column => (column.Name, column.DataType)));
        Assert.All(table.Columns, column => Assert.Equal(Enumerable.Range(0, 3).Select(row => column[row]), Enumerable.Range(0, 3).Select(row => again[column.Name][row])));

        Interactive.SavedFile.Save(table, Folder($"saved.{ending}"));
        Assert.Equal(table.ToCsv(), load(Folder($"saved.{ending}")).ToCsv());
        File.WriteAllText(Folder($"no.{ending}"), "this is text");
        Assert.Contains($"no.{ending} is no {kind} file that can be read", Assert.Throws<SpectralKDException>(() => load(Folder($"no.{ending}"))).Message);
        Assert.Contains("there is no file", Assert.Throws<SpectralKDException>(() => load(Folder($"nowhere.{ending}"))).Message);
    }

    [Fact]
    public void Parquet_files_of_another_program_are_read_with_small_numbers_dictionaries_and_compression()
    {
        // DuckDB 1.5.6: copy (select i::int as block, i * 10 as images, … from range(6) t(i)) to 'duckdb.parquet' (format parquet, compression zstd)
        var table = TableParquet.Load(Golden("duckdb.parquet"));
        Assert.Equal(
            "block,images,x,f,yes,name,tiny,small\n0,0,3.141592653589793,0,true,n0,0,0\n1,10,,0.33333334,false,n1,1,1\n2,20,1.0471975511965976,0.6666667,true,,2,2\n"
            + "3,30,0.7853981633974483,1,false,n0,3,3\n4,40,0.6283185307179586,1.3333334,true,n1,4,4\n5,50,0.5235987755982988,1.6666666,false,n2,5,5\n", table.ToCsv());
        Assert.Contains("the column day is of the type DateTime", Assert.Throws<SpectralKDException>(() => TableParquet.Load(Golden("duckdb-odd.parquet"))).Message);
        var bytes = File.ReadAllBytes(Golden("duckdb.parquet"));
        foreach (var length in new[] { 0, 7, 200, bytes.Length - 1 })
        {
            File.WriteAllBytes(Folder("cut.parquet"), bytes[..length]);
            Assert.Contains("cut.parquet is no Parquet file", Assert.Throws<SpectralKDException>(() => TableParquet.Load(Folder("cut.parquet"))).Message);
        }

        static string Golden(string file) => Path.Combine(SharedData.RepositoryRoot, "tests", "golden", "tables", file);
    }

    [Fact]
    public async Task Spectrum_json_fits_its_schema()
    {
        using var schema = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(SharedData.RepositoryRoot, "docs", "spectrum.schema.json"), TestContext.Current.CancellationToken));
        string[] analyze = ["analyze", "--model", "deit_nano_patch4_32", "--weights", "seeded", "--images", "textures", "--count", "9"];
        Assert.Equal(0, await RunAsync([.. analyze, "--domain", "both", "--shard", "1/2", "--out", Folder("both")]));
        Assert.Equal(0, await RunAsync([.. analyze, "--at", "attn", "--image-size", "32x48", "--out", Folder("attn")]));
        foreach (var file in new[] { "both", "attn" })
        {
            using var spectrum = JsonDocument.Parse(await File.ReadAllTextAsync(Folder($"{file}/spectrum.json"), TestContext.Current.CancellationToken));
            Assert.Empty(SmallSchema.Problems(spectrum.RootElement, schema.RootElement));
        }

        using var wrong = JsonDocument.Parse((await File.ReadAllTextAsync(Folder("attn/spectrum.json"), TestContext.Current.CancellationToken)).Replace("\"depth\"", "\"deepness\"", StringComparison.Ordinal));
        Assert.Equal(["$.spectrum lacks depth", "$.spectrum.deepness is not foreseen"], SmallSchema.Problems(wrong.RootElement, schema.RootElement));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private Task<int> RunAsync(params string[] args) => CommandLine.RunAsync(
        args, new InvocationConfiguration { EnableDefaultExceptionHandler = false, Output = _output, Error = _error });

    private string Folder(string name) => Path.Combine(_folder, name);

    private sealed class Near : IEqualityComparer<(double, double)>
    {
        public bool Equals((double, double) x, (double, double) y) => Math.Abs(x.Item1 - y.Item1) < 1e-9 * Math.Abs(x.Item1) && Math.Abs(x.Item2 - y.Item2) < 1e-9 * Math.Abs(x.Item2);

        public int GetHashCode((double, double) pair) => 0;
    }

    /// <summary>The part of JSON Schema that our schema uses; a word that it does not know is an error.</summary>
    private static class SmallSchema
    {
        public static IReadOnlyList<string> Problems(JsonElement value, JsonElement schema) => [.. Check(value, schema, schema, "$").Order(StringComparer.Ordinal)];

        private static IEnumerable<string> Check(JsonElement value, JsonElement schema, JsonElement root, string place) => schema.EnumerateObject().SelectMany(rule => rule.Name switch
        {
            "$schema" or "title" or "description" or "$defs" => [],
            "$ref" => Check(value, root.GetProperty("$defs").GetProperty(rule.Value.GetString()!["#/$defs/".Length..]), root, place),
            "type" => Types(rule.Value).Any(type => Is(value, type)) ? [] : [$"{place} is {value.ValueKind}"],
            "enum" => rule.Value.EnumerateArray().Any(one => one.GetString() == value.GetString()) ? [] : [$"{place} is {value}"],
            "minimum" => value.GetDouble() >= rule.Value.GetDouble() ? [] : [$"{place} is {value}"],
            "minItems" => value.GetArrayLength() >= rule.Value.GetInt32() ? [] : [$"{place} has {value.GetArrayLength()} items"],
            "items" => value.EnumerateArray().SelectMany((item, i) => Check(item, rule.Value, root, $"{place}[{i}]")),
            "required" => rule.Value.EnumerateArray().Where(name => !value.TryGetProperty(name.GetString()!, out _)).Select(name => $"{place} lacks {name}"),
            "properties" => value.EnumerateObject().SelectMany(entry => rule.Value.TryGetProperty(entry.Name, out var inner) ? Check(entry.Value, inner, root, $"{place}.{entry.Name}") : []),
            "additionalProperties" => value.EnumerateObject().Where(entry => !schema.TryGetProperty("properties", out var known) || !known.TryGetProperty(entry.Name, out _))
                .SelectMany(entry => rule.Value.ValueKind == JsonValueKind.False ? [$"{place}.{entry.Name} is not foreseen"] : Check(entry.Value, rule.Value, root, $"{place}.{entry.Name}")),
            _ => [$"the schema's word {rule.Name} is not known to this test"],
        });

        private static IEnumerable<string> Types(JsonElement type) => type.ValueKind == JsonValueKind.Array ? type.EnumerateArray().Select(one => one.GetString()!) : [type.GetString()!];

        private static bool Is(JsonElement value, string type) => type switch
        {
            "object" => value.ValueKind == JsonValueKind.Object,
            "array" => value.ValueKind == JsonValueKind.Array,
            "string" => value.ValueKind == JsonValueKind.String,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "integer" => value.ValueKind == JsonValueKind.Number && double.IsInteger(value.GetDouble()),
            _ => value.ValueKind == JsonValueKind.Number,
        };
    }
}
