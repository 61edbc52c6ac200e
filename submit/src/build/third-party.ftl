Libraries of other people in this distribution: file | licences | name | its authors, as its pom.xml names them | address

The texts are in licences/. Where a library names several licences, most let you choose; a library's own META-INF/LICENSE and
META-INF/NOTICE say more. What native libraries hold besides is in licences/NATIVE.txt.

<#list dependencyMap as entry>
<#assign project = entry.getKey()/>
<#assign people = []/>
<#list project.developers![] as developer><#assign people = people + [(developer.name!developer.id!"")?trim]/></#list>
<#assign people = people?filter(name -> name != "")/>
<#assign holder = (project.organization.name)!""/>
${project.artifactId}-${project.version} | ${entry.getValue()?join(", ")} | ${(project.name!project.artifactId)?replace("\\s+", " ", "r")} | ${[holder]?filter(name -> name != "")?join("")}<#if holder != "" && people?size gt 0>; </#if>${people?join(", ")?replace("\\s+", " ", "r")} | ${project.url!""}
</#list>
