using SpectralKD.Tests;

namespace SpectralKD.Interactive.Tests.Packaging;

/// <summary>The package as <c>dotnet pack</c> makes it.</summary>
public sealed class PackedExtension() : PackedProject("SpectralKD.Interactive");

public sealed class ExtensionPackageTests(PackedExtension package) : IClassFixture<PackedExtension>
{
    [Fact]
    public void The_package_holds_all_assemblies_with_their_documentation_and_nothing_else() => Assert.Equal(
        ["lib/net8.0/SpectralKD.Interactive.dll", "lib/net8.0/SpectralKD.Interactive.xml", "lib/net8.0/SpectralKD.dll", "lib/net8.0/SpectralKD.xml"],
        package.Files("nupkg").Keys.Where(name => name.EndsWith(".dll", StringComparison.Ordinal) || name.StartsWith("lib/", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal));

    [Fact]
    public void The_symbols_of_all_assemblies_are_in_the_symbol_package() => Assert.Equal(
        ["lib/net8.0/SpectralKD.Interactive.pdb", "lib/net8.0/SpectralKD.pdb"],
        package.Files("snupkg").Keys.Where(name => name.StartsWith("lib/", StringComparison.Ordinal)).Order(StringComparer.Ordinal));

    [Fact]
    public void DotNet_Interactive_finds_its_script() => Assert.Equal(
        File.ReadAllText(Path.Combine(SharedData.RepositoryRoot, "src", "SpectralKD.Interactive", "extension.dib")),
        package.Text("interactive-extensions/dotnet/extension.dib"));

    [Fact]
    public void The_package_says_what_it_is()
    {
        Assert.Equal(("SpectralKD.Interactive", package.Version, "MIT"), (package.Said("id"), package.Said("version"), package.Said("license")));
        Assert.All([package.Said("readme")!, package.Said("icon")!, "LICENSE"], name => Assert.True(package.Files("nupkg")[name] > 0));
    }

    [Fact]
    public void It_depends_on_what_its_assemblies_need_and_on_no_kernel_and_no_libtorch()
    {
        var dependencies = package.Metadata().Descendants().Where(e => e.Name.LocalName == "dependency").Select(e => (string)e.Attribute("id")!).ToList();
        Assert.Superset(
            new HashSet<string>
            {
                "TorchSharp", "SkiaSharp", "SkiaSharp.NativeAssets.Linux.NoDependencies", "Microsoft.Data.Analysis", "SharpZipLib", "System.Numerics.Tensors",
                "Plotly.NET",
            },
            dependencies.ToHashSet());
        string[] foreign = ["Microsoft.DotNet.Interactive", "System.Text.Encodings.Web", "libtorch", "TorchSharp-", "SpectralKD", "Microsoft.CodeAnalysis"];
        Assert.DoesNotContain(dependencies, id => foreign.Any(start => id.StartsWith(start, StringComparison.OrdinalIgnoreCase)));
    }

    [Fact]
    public async Task A_fresh_console_project_needs_this_one_reference()
    {
        var folder = Directory.CreateDirectory(Path.Combine(package.Folder, "app")).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "App.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <RestoreAdditionalProjectSources>{package.Folder}</RestoreAdditionalProjectSources>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <WarningsNotAsErrors>NU1900;NU1901;NU1902;NU1903;NU1904</WarningsNotAsErrors>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="SpectralKD.Interactive" Version="{package.Version}" />
              </ItemGroup>
            </Project>
            """);
        await File.WriteAllTextAsync(Path.Combine(folder, "Program.cs"), """
            System.Console.WriteLine($"{SpectralKD.Models.ModelCatalog.All.Count} models, {SpectralKD.Interactive.NotebookExtension.Version}");
            """);
        try
        {
            var output = await ProgramRun.SucceedAsync(ProgramRun.Dotnet, ["run", "--project", folder, "-v", "quiet"], folder);
            Assert.Contains($"{Models.ModelCatalog.All.Count} models, {NotebookExtension.Version}", output);
        }
        finally
        {
            RemoveFromCache();
        }
    }

    private void RemoveFromCache()
    {
        var packages = Environment.GetEnvironmentVariable("NUGET_PACKAGES")
            ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        var folder = Path.Combine(packages, "spectralkd.interactive", package.Version);
        if (Directory.Exists(folder))
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
