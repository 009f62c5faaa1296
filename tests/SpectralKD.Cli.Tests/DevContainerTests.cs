using System.Text.Json.Nodes;
using System.Xml.Linq;
using SpectralKD.Tests;

namespace SpectralKD.Cli.Tests;

/// <summary>The development containers, as far as they can be checked without Docker. CI runs the script that sets them up.</summary>
public sealed class DevContainerTests
{
    private static readonly string s_folder = Path.Combine(SharedData.RepositoryRoot, ".devcontainer");

    public static TheoryData<string> Variants => ["devcontainer.json", "cuda/devcontainer.json"];

    [Theory]
    [MemberData(nameof(Variants))]
    public void The_image_holds_the_SDK_that_the_repository_asks_for(string variant)
    {
        var sdk = (string)Json(Path.Combine(SharedData.RepositoryRoot, "global.json"))["sdk"]!["version"]!;
        Assert.StartsWith($"mcr.microsoft.com/devcontainers/dotnet:{string.Join('.', sdk.Split('.')[..2])}-", (string)Variant(variant)["image"]!);
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void Files_that_it_names_are_there_and_its_script_can_be_started(string variant)
    {
        var container = Variant(variant);
        var script = Path.Combine(SharedData.RepositoryRoot, (string)container["postCreateCommand"]!);
        Assert.StartsWith("#!/usr/bin/env bash\n", File.ReadAllText(script));
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(script).HasFlag(UnixFileMode.UserExecute), $"{script} cannot be executed");

        var custom = container["customizations"]!;
        var opened = custom["codespaces"]?["openFiles"]?.AsArray().Select(file => (string)file!) ?? [];
        Assert.All(
            opened.Append((string)custom["vscode"]!["settings"]!["dotnet.defaultSolution"]!),
            file => Assert.True(File.Exists(Path.Combine(SharedData.RepositoryRoot, file)), $"{variant} names {file}"));
    }

    [Theory]
    [MemberData(nameof(Variants))]
    public void VS_Code_gets_what_shows_notebooks_and_charts(string variant) => Assert.Superset(
        new HashSet<string> { "ms-toolsai.jupyter", "ms-toolsai.jupyter-renderers", "ms-dotnettools.csharp", "ms-dotnettools.csdevkit" },
        Variant(variant)["customizations"]!["vscode"]!["extensions"]!.AsArray().Select(name => (string)name!).ToHashSet());

    [Fact]
    public void The_CUDA_variant_is_the_other_one_with_a_GPU_and_the_build_that_uses_it()
    {
        var (plain, cuda) = (Variant("devcontainer.json"), Variant("cuda/devcontainer.json"));
        Assert.All(["image", "postCreateCommand", "remoteEnv"], key => Assert.Equal(plain[key]!.ToJsonString(), cuda[key]!.ToJsonString()));
        Assert.True((bool)cuda["hostRequirements"]!["gpu"]!);
        Assert.Null(plain["hostRequirements"]!["gpu"]);

        var (property, value) = cuda["containerEnv"]!.AsObject().Select(entry => (entry.Key, (string)entry.Value!)).First();
        Assert.Contains(
            XDocument.Load(Path.Combine(SharedData.RepositoryRoot, "Directory.Build.targets")).Descendants("ItemGroup"),
            group => ((string?)group.Attribute("Condition"))?.Contains($"'$({property})' == '{value}'") == true);
    }

    private static JsonNode Variant(string name) => Json(Path.Combine(s_folder, name));

    // Comments are part of the format.
    private static JsonNode Json(string path) =>
        JsonNode.Parse(File.ReadAllText(path), documentOptions: new() { CommentHandling = System.Text.Json.JsonCommentHandling.Skip })!;
}
