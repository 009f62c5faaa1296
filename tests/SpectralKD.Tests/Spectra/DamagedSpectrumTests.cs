using System.Text;
using System.Text.Json.Nodes;

namespace SpectralKD.Tests.Spectra;

public class DamagedSpectrumTests
{
    private static readonly string Json = MakeJson();

    [Fact]
    public void Every_value_replaced_by_null_is_refused_and_its_place_is_named()
    {
        foreach (var path in Paths(JsonNode.Parse(Json)!["spectrum"]!))
        {
            var message = Assert.Throws<SpectralKDException>(() => ModelSpectrum.FromJson(With(path, null))).Message;
            Assert.Contains("is null", message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', message);
        }
    }

    [Fact]
    public void Every_value_replaced_by_one_of_another_kind_gives_a_spectrum_or_one_line()
    {
        string[] others = ["-1", "0", "1e300", "9000000000", "true", "\"text\"", "\"\"", "[]", "{}", "[[]]", "2147483647"];
        foreach (var path in Paths(JsonNode.Parse(Json)!["spectrum"]!))
        {
            foreach (var other in others)
            {
                Assert.Null(Record.Exception(() => ReadOrRefuse(With(path, JsonNode.Parse(other)))));
            }
        }
    }

    [Theory]
    [InlineData("\"deit_nano_patch4_32\"", "\"\\ud800\"", "no Unicode")]
    [InlineData("\"model\":", "\"mod\\udc00el\":", "no Unicode")]
    [InlineData("\"images\":3", "\"images\":3,\"images\":3", "the key images twice")]
    [InlineData("\"amplitude\":[", "\"amplitude\":[1e999,", "is no finite number")]
    [InlineData("\"domain\":\"spatial\"", "\"domain\":7", "$.spectrum.domain holds a value of another kind")]
    [InlineData("\"depth\":12", "\"depth\":\"12\"", "$.spectrum.depth holds a value of another kind")]
    [InlineData("spectrum/2", "spectrum/3", "spectralkd.spectrum/3")]
    public void What_readers_would_guess_about_is_refused_in_words(string old, string replacement, string words)
    {
        Assert.Contains(old, Json, StringComparison.Ordinal);
        var index = Json.IndexOf(old, StringComparison.Ordinal);
        var edited = Json[..index] + replacement + Json[(index + old.Length)..];

        Assert.Contains(words, Assert.Throws<SpectralKDException>(() => ModelSpectrum.FromJson(edited)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_with_bytes_that_are_no_text_is_refused_in_one_line()
    {
        var path = Path.GetTempFileName();
        byte[] bytes = [.. Encoding.UTF8.GetBytes(Json.Replace("deit_nano_patch4_32", "deit\u00e4", StringComparison.Ordinal))];
        bytes[Array.IndexOf(bytes, (byte)0xC3)] = 0xFF;
        File.WriteAllBytes(path, bytes);

        Assert.Contains("is not a spectrum", Assert.Throws<SpectralKDException>(() => ModelSpectrum.Load(path)).Message, StringComparison.Ordinal);
        File.Delete(path);
    }

    [Fact]
    public void A_file_cut_anywhere_is_refused_in_one_line()
    {
        for (var length = 0; length < Json.Length; length += 97)
        {
            Assert.Throws<SpectralKDException>(() => ModelSpectrum.FromJson(Json[..length]));
        }
    }

    private static void ReadOrRefuse(string json)
    {
        try
        {
            var spectrum = ModelSpectrum.FromJson(json);
            _ = (spectrum.ToJson(), spectrum.UShape, spectrum.Title, spectrum.MissingParts(), spectrum.ToDataFrame());
            _ = ModelSpectrum.MergeProblems([spectrum, spectrum]);
        }
        catch (SpectralKDException error)
        {
            Assert.DoesNotContain('\n', error.Message);
        }
    }

    private static string With(IReadOnlyList<object> path, JsonNode? value)
    {
        var root = JsonNode.Parse(Json)!;
        var parent = path.SkipLast(1).Aggregate(root["spectrum"]!, (node, step) => step is int index ? node[index]! : node[(string)step]!);
        if (path[^1] is int last)
        {
            parent[last] = value;
        }
        else
        {
            parent[(string)path[^1]] = value;
        }

        return root.ToJsonString();
    }

    // All keys, and the first item of every list.
    private static IEnumerable<IReadOnlyList<object>> Paths(JsonNode node) => node switch
    {
        JsonObject entries => entries.SelectMany(entry => Below(entry.Key, entry.Value!)),
        JsonArray { Count: > 0 } items => Below(0, items[0]!),
        _ => [],
    };

    private static IEnumerable<IReadOnlyList<object>> Below(object step, JsonNode value)
        => Paths(value).Select(path => (IReadOnlyList<object>)[step, .. path]).Prepend([step]);

    private static string MakeJson()
    {
        using var model = ModelCatalog.Create("deit_nano_patch4_32");
        return SpectralAnalysis.Run(model, Textures.Create(3, 32), new SpectralOptions { Layers = [0, 11], ActivationEntropy = true }).ToJson();
    }
}
