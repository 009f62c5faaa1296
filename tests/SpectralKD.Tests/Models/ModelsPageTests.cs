using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;

namespace SpectralKD.Tests.Models;

/// <summary>docs/models.md is made from the catalogue: this test writes it where it is asked to, and else compares.</summary>
public sealed class ModelsPageTests
{
    private const string Variable = "SPECTRALKD_WRITE_DOCS";
    private static readonly Dictionary<string, string[]> s_measured = File.ReadLines(Path.Combine(SharedData.RepositoryRoot, "docs", "models-measured.csv"))
        .Skip(1).Select(line => line.Split(',')).ToDictionary(fields => fields[0]);
    private static readonly string[] s_ownColumns = ["LaterDims", "Depth", "Depths", "Heads", "ClassDepth"];

    [Fact]
    public void The_page_of_models_is_what_the_catalogue_says()
    {
        var path = Path.Combine(SharedData.RepositoryRoot, "docs", "models.md");
        var page = Page();
        if (Environment.GetEnvironmentVariable(Variable) == "1")
        {
            File.WriteAllText(path, page);
        }

        Assert.True(
            File.Exists(path) && File.ReadAllText(path).ReplaceLineEndings("\n") == page,
            $"docs/models.md is not what the catalogue gives: run {Variable}=1 dotnet test --project tests/SpectralKD.Tests -- --filter-method '*page_of_models*' and look at the difference");
    }

    [Fact]
    public void Each_model_that_is_not_a_nano_one_was_measured()
    {
        var missing = ModelCatalog.All.Select(entry => entry.Name).Where(name => !name.Contains("_nano_") && !s_measured.ContainsKey(name)).ToList();
        Assert.True(missing.Count == 0, $"docs/models-measured.csv has no {string.Join(", ", missing)}: see docs/speed.md, Every model, for the command");
    }

    private static string Page()
    {
        var page = new StringBuilder()
            .Append("# Models\n\n")
            .Append(CultureInfo.InvariantCulture, $"The {ModelCatalog.All.Count} models of the catalogue, one line each; `spectralkd models WORD` shows those whose name, family or tag has the word, `spectralkd models 'vit_*.dino'` those of a pattern. ")
            .Append("This page is made from the catalogue by a test, which says how when they differ.\n\n")
            .Append("*Patch* is the side of a patch in pixels, *prefix* the tokens before the patches (class, distillation, registers), which no feature map has. *Blocks* are the feature ")
            .Append("maps that can be asked for; hierarchical families give one for each stage, of which *channels* and *depth* are listed. *Differs* names what is not the family's ")
            .Append("default, as the C# spec spells it. The first of several *tags* is the default; a model without tags has no weights of its own and starts from a seed.\n\n")
            .Append("*CPU s* is the processor time of the whole command `spectralkd analyze --weights seeded` on one thread, start and first weights included, over so many photos of ImageNet (in ")
            .Append("brackets), *MB* its peak memory ([models-measured.csv](models-measured.csv), the commands in [speed.md](speed.md#every-model)).\n");
        foreach (var family in ModelCatalog.All.GroupBy(entry => entry.Family))
        {
            page.Append(CultureInfo.InvariantCulture, $"\n## {family.Key}\n\n")
                .Append("| name | input | patch | prefix | blocks | channels | depth | heads | million parameters | CPU s | MB | differs | tags | licence |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
            foreach (var entry in family)
            {
                page.Append("| ").AppendJoin(" | ", Row(entry)).Append(" |\n");
            }
        }

        return page.ToString();
    }

    private static IEnumerable<string> Row(ModelCatalogEntry entry)
    {
        var spec = entry.Spec;
        return
        [
            $"`{entry.Name}`",
            Text(spec.ImageSize),
            Text(spec.PatchSize),
            Text(spec switch { VisionTransformerSpec vit => vit.PrefixTokens, BeitSpec => 1, _ => 0 }),
            Text(entry.Blocks.Count),
            string.Join(' ', entry.Dims.Select(dim => Text(dim))),
            Text(Own(spec, "Depths") ?? Own(spec, "Depth")),
            Text(Own(spec, "Heads")),
            (entry.Parameters / 1e6).ToString("0.00", CultureInfo.InvariantCulture),
            s_measured.TryGetValue(entry.Name, out var measured) ? $"{measured[2]} ({measured[1]})" : "",
            measured?[3] ?? "",
            string.Join(", ", Differences(spec)),
            string.Join(", ", entry.Published.Select(weights => $"`{weights.Tag}`" + (weights.Classes == spec.Classes ? "" : $" ({Text(weights.Classes)} classes)"))),
            entry.Elsewhere ?? string.Join(", ", entry.Published.GroupBy(weights => weights.License)
                .Select((group, i) => group.Key + (i == 0 ? "" : $" ({string.Join(", ", group.Select(weights => $"`{weights.Tag}`"))})"))),
        ];
    }

    private static object? Own(ModelSpec spec, string property) => spec.GetType().GetProperty(property)?.GetValue(spec);

    // What a family's own record has and its default instance has not, in the order of its file.
    private static IEnumerable<string> Differences(ModelSpec spec)
    {
        var usual = Activator.CreateInstance(spec.GetType())!;
        foreach (var property in spec.GetType().GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(property => property.CanWrite && !s_ownColumns.Contains(property.Name)).OrderBy(property => property.MetadataToken))
        {
            var (value, otherwise) = (Text(property.GetValue(spec)), Text(property.GetValue(usual)));
            if (value != otherwise)
            {
                yield return value switch { "True" => property.Name, "False" => $"no {property.Name}", "" => $"no {property.Name}", _ => $"{property.Name} {value}" };
            }
        }
    }

    private static string Text(object? value) => value is IEnumerable items and not string
        ? string.Join(' ', items.Cast<object>().Select(Text))
        : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
}
